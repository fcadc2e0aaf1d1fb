import Foundation
import Seldinger
import Testing

@Test func whatTheVaultSaysIsTold() throws {
  let test = try TestBook()
  var book: Logbook? = try test.create()
  withExtendedLifetime(book) {}
  book = nil
  let told: [(any Error, LogbookError)] = [
    (KeyVaultError.Locked, .KeyLocked), (KeyVaultError.Cancelled, .KeyCancelled),
    (KeyVaultError.WrongPassphrase, .WrongKey), (KeyVaultError.Unavailable, .KeyUnavailable),
    (Mistake(), .KeyUnavailable),
  ]
  for (failure, error) in told {
    test.vault.fail(failure)
    #expect(throws: error) { try test.open() }
  }
  test.vault.fail(nil)
  _ = try test.open()
}

@Test func everyErrorHasItsWords() {
  let id = RecordId("01890000-0000-7000-8000-000000000000")
  let errors: [LogbookError] = [
    .KeyLocked, .KeyCancelled, .KeyMissing, .KeyUnavailable, .WrongKey, .NoBook, .BookExists,
    .PartMissing(part: .database), .Damaged(part: .page), .NewerSchema(found: 2, known: 2),
    .OlderSchema(found: 1, known: 2), .CannotRead, .NoRoomToRead, .DiskFull, .ReadOnly, .Busy,
    .NoFile, .Io, .Storage(code: 7), .NotFound(id: id), .NoDraft, .NothingToChoose, .NotAnId,
    .NotADay, .Cancelled, .BadBackup, .FormerBackup, .ForgedBackup, .CodeNotKept, .CodeDiffers,
    .NotACode, .BadLine(line: 3, reason: .at), .UnknownDefinition, .NotAPage, .ChoiceChanged,
    .CodeTooOld, .FilesMoved, .NothingTyped, .NotInOne,
  ]
  for error in errors {
    let words = error.wording.what
    // What has no words shows its key in their place.
    #expect(!words.isEmpty && !words.hasPrefix("logbook."), "no words for \(error)")
  }
}

@Test func aVaultThatFailsMakesNoBook() throws {
  let test = try TestBook()
  test.vault.fail(KeyVaultError.Unavailable)
  #expect(throws: LogbookError.KeyUnavailable) { try test.create() }
  #expect(throws: LogbookError.NoBook) { try test.open() }
  test.vault.fail(nil)
  _ = try test.create()
}

@Test func aMissingKeyIsNoWrongKey() throws {
  let test = try TestBook()
  _ = try test.create()
  let (name, secret) = try #require(test.vault.secrets.first)
  try test.vault.remove(name: name)
  #expect(throws: LogbookError.KeyMissing) { try test.open() }
  let other = Data(secret.map { $0 ^ 0x55 })
  for wrong in [other, Data([1, 2, 3])] {
    try test.vault.store(name: name, secret: wrong)
    #expect(throws: LogbookError.WrongKey) { try test.open() }
  }
  try test.vault.store(name: name, secret: secret)
  _ = try test.open()
}

@Test func noBookAndABookAlready() throws {
  let test = try TestBook()
  #expect(throws: LogbookError.NoBook) { try test.open() }
  _ = try test.create()
  #expect(throws: LogbookError.BookExists) { try test.create() }
}

@Test func aMissingPartIsNamedAndNothingIsMadeInItsPlace() throws {
  let test = try TestBook()
  try {
    let book = try test.create()
    try book.jot("picc")
  }()
  let files = FileManager.default
  try files.moveItem(atPath: test.path("book/book.db"), toPath: test.path("away"))
  let before = try Data(contentsOf: URL(fileURLWithPath: test.path("book/book.key")))
  let missing = LogbookError.PartMissing(part: .database)
  #expect(throws: missing) { try test.open() }
  #expect(throws: missing) { try test.create() }
  #expect(throws: missing) { try test.openOrCreate() }
  #expect(try Data(contentsOf: URL(fileURLWithPath: test.path("book/book.key"))) == before)
  #expect(backupsIn(folder: test.path("book")).isEmpty)
  try files.moveItem(atPath: test.path("away"), toPath: test.path("book/book.db"))
  #expect(try test.openOrCreate().countCases(filter: CaseFilter()) == 1)
}

@Test(arguments: [(5, DamagedPart.header), (3 * 4096 + 100, .page)])
func damageIsToldByItsPartAndTheFileIsLeftAlone(at place: Int, part: DamagedPart) throws {
  let test = try TestBook()
  try {
    let book = try test.create()
    for _ in 0..<30 { try book.jot("picc") }
  }()
  try flip(test.path("book/book.db"), at: place)
  let before = try Data(contentsOf: URL(fileURLWithPath: test.path("book/book.db")))
  #expect(throws: LogbookError.Damaged(part: part)) {
    let book = try test.open()
    for row in try book.newest().rows { _ = try book.case(id: row.id) }
  }
  #expect(try Data(contentsOf: URL(fileURLWithPath: test.path("book/book.db"))) == before)
}

@Test func damageOfBothKeyFilesIsTold() throws {
  let test = try TestBook()
  _ = try test.create()
  for name in ["book.key", "book.key.copy"] { try flip(test.path("book/\(name)"), at: 30) }
  #expect(throws: LogbookError.Damaged(part: .keyFile)) { try test.open() }
}

private func flip(_ path: String, at place: Int) throws {
  var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
  bytes[place] ^= 1
  try bytes.write(to: URL(fileURLWithPath: path))
}

@Test func aBookOfALaterVersionIsNotTouched() throws {
  let later = stage.appendingPathComponent("later")
  let told = try lines(later.appendingPathComponent("vault.txt"))
  let digits = Array(told[1])
  let secret = stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0
  }
  let vault = MemoryVault()
  try vault.store(name: told[0], secret: Data(secret))
  let newer = LogbookError.NewerSchema(found: 4711, known: 2)
  #expect(throws: newer) {
    try Logbook.open(folder: later.path, vault: vault, installation: "this device")
  }
  #expect(newer.wording.line.contains("4711"))
}

@Test func whatIsNotThereIsNamed() throws {
  let test = try TestBook()
  let book = try test.create()
  let absent = RecordId("01890000-0000-7000-8000-000000000000")
  #expect(throws: LogbookError.NotFound(id: absent)) { try book.case(id: absent) }
  #expect(throws: LogbookError.NotFound(id: absent)) { try book.delete(id: absent) }
  #expect(throws: LogbookError.NoDraft) { try book.draft(id: DraftId(absent.text)) }
  #expect(throws: LogbookError.UnknownDefinition) { try book.openForm(id: "poem", record: nil) }
  #expect(throws: LogbookError.NoFile) {
    try book.importFile(path: test.path("absent"), options: ImportOptions())
  }
  #expect(throws: LogbookError.NoFile) {
    try book.exportFile(path: test.path("no/such.csv"), format: .csv, options: ExportOptions())
  }
  #expect(throws: LogbookError.Io) {
    try book.importFile(path: test.folder.path, options: ImportOptions()).step()
  }
}

#if os(Linux)
  /// A folder that takes no files, not even from root.
  @Test func aPlaceThatNobodyMayWriteToIsTold() throws {
    let test = try TestBook()
    let book = try test.create()
    #expect(throws: LogbookError.ReadOnly) {
      try book.exportFile(path: "/dev/pts/out.csv", format: .csv, options: ExportOptions())
    }
  }
#endif

@Test func whatIsNoIdAndNoDayIsTold() throws {
  let test = try TestBook()
  let book = try test.create()
  #expect(throws: LogbookError.NotAnId) { try book.case(id: RecordId("P1")) }
  #expect(throws: LogbookError.NotAnId) { try book.openDraft(id: DraftId("")) }
  #expect(throws: LogbookError.NotADay) {
    try book.countCases(filter: CaseFilter(from: "someday"))
  }
}

@Test func aSchemeOfGoalsThatCannotBeReadSaysWhere() throws {
  let text = """
    id = "mine"
    name = "My goals"
    source = "me"
    [[goal]]
    id = "1"
    label = "Poems"
    any_of = ["poem"]
    """
  do {
    _ = try readGoalScheme(text: text, fileName: "mine.toml")
    Issue.record("it was read")
  } catch let bad as ContentError {
    guard case .NoSuchId(let place, _) = bad else { throw bad }
    #expect(place.file == "mine.toml" && place.line == 7)
    #expect(!bad.wording.line.isEmpty)
  }
}

/// An observer with a mistake in it.
private final class Failing: ChangeObserver, @unchecked Sendable {
  private let lock = NSLock()
  private var calls = 0
  var called: Int { lock.withLock { calls } }

  func changed(changes: [Change]) throws {
    lock.withLock { calls += 1 }
    throw Mistake()
  }
}

@Test func anObserverThatThrowsLosesNothing() throws {
  let test = try TestBook()
  let book = try test.create()
  let observer = Failing()
  book.observe(observer: observer)
  let saved = try book.jot("picc")
  #expect(observer.called == 1)
  #expect(try book.newest().rows.map(\.id) == [saved.id])
}

/// A panic would come as an error of another type.
@Test func oddTextsAreReadOrRefusedAndNothingPanics() throws {
  let test = try TestBook()
  let book = try test.create()
  let odd = [
    "", " ", "\u{0}", "%", "\"", "'; --", "(NEAR", "\u{FFFF}", "👩‍⚕️",
    String(repeating: "é", count: 20_000), String(repeating: "9", count: 400),
  ]
  for text in odd {
    try refusedAtMost { try book.readJot(text: text) }
    try refusedAtMost { try book.jot(text) }
    try refusedAtMost { try book.search(typed: text, kind: text, before: -1) }
    try refusedAtMost {
      try book.cases(filter: CaseFilter(tag: text, text: text), sort: .newest, after: text)
    }
    try refusedAtMost { try book.case(id: RecordId(text)) }
    try refusedAtMost { try book.history(id: RecordId(text), path: text) }
    try refusedAtMost { try book.beginDraft(form: text, record: nil) }
    try refusedAtMost {
      try book.tally(filter: CaseFilter(week: IsoWeek(year: .max, week: 99)), scheme: nil).step()
    }
    try refusedAtMost {
      let performed = Moment(utc: .max, offsetMin: .min)
      return try book.saveJot(
        text: text, options: JotOptions(confirmed: [.side], performed: performed))
    }
    try refusedAtMost {
      let form = try book.openForm(id: "case", record: nil)
      return try book.saveForm(form: form, typed: [TypedField(path: text, texts: [text])])
    }
    _ = identifiersIn(text: text)
    _ = findProcedures(typed: text)
  }
  _ = try book.newest()
}

private func refusedAtMost<T>(_ call: () throws -> T) throws {
  do { _ = try call() } catch is LogbookError {}
}
