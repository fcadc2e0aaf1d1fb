import Foundation
import Seldinger
import Testing

@Test func theRecoveryCodeIsGivenOnce() throws {
  let test = try TestBook()
  var book = try test.create()
  let code = try #require(book.takeRecoveryCode())
  #expect(code.filter { $0.isLetter || $0.isNumber }.count == 26)
  #expect(book.takeRecoveryCode() == nil)
  book = try test.open()
  #expect(book.takeRecoveryCode() == nil)
}

@Test func aJotIsACaseAndIsThereAfterReopening() throws {
  let test = try TestBook()
  var book = try test.create()
  let reading = try book.readJot(text: "R IJ picc, assisted, att Okafor, fluoro 1.5 min")
  #expect(reading.values.procedure == "picc")
  #expect(reading.values.role == .assisted)
  #expect(reading.values.fluoroMin == 1.5)
  #expect(try book.newest().rows.isEmpty)

  let saved = try book.jot(reading.text)
  book = try test.open()
  #expect(try book.newest().rows.map(\.id) == [saved.id])
  let form = try book.openForm(id: "case", record: saved.id)
  #expect(form.texts("jot") == [reading.text])
  #expect(try book.case(id: saved.id).row.procedure == "picc")
  let text = try book.formText(form: "case", record: saved.id, style: .plain)
  #expect(text.contains("Assisted"))
}

@Test func pagesFollowEachOther() throws {
  let test = try TestBook()
  let book = try test.create()
  for number in 1...120 { try book.jot("para \(number) ml") }
  var pages = [try book.newest()]
  while let next = pages.last?.next { pages.append(try book.newest(after: next)) }
  #expect(pages.map(\.rows.count) == [50, 50, 20])
  #expect(Set(pages.flatMap(\.rows).map(\.id)).count == 120)
  #expect(try book.countCases(filter: CaseFilter()) == 120)
}

@Test func filtersAndOrderAreTheCores() async throws {
  let test = try TestBook()
  let book = try test.create()
  try await importRotation(book)
  let performed = CaseFilter(role: .performedSupervised)
  let rows = try book.cases(filter: performed, sort: .airKerma, after: nil).rows
  #expect(!rows.isEmpty && rows.allSatisfy { $0.role == .performedSupervised })
  let dose = rows.compactMap(\.airKermaMgy)
  #expect(dose == dose.sorted(by: >))
  #expect(try book.countCases(filter: performed) == UInt64(rows.count))
  let week = CaseFilter(week: IsoWeek(year: 2026, week: 41))
  let first = try book.cases(filter: week, sort: .oldest, after: nil).days
  #expect(!first.isEmpty && first.allSatisfy { $0.day < "2026-10-12" })
}

@Test func aSearchMarksWhatItFound() throws {
  let test = try TestBook()
  let book = try test.create()
  let saved = try book.jot("thoracentesis left, viscous xanthochromic fluid")
  try book.jot("picc")
  let hits = try book.search(typed: "xanthoch", kind: nil, before: nil).hits
  #expect(hits.map(\.id) == [saved.id])
  #expect(hits[0].pieces.first { $0.found }?.text == "xanthochromic")
  #expect(hits[0].procedure == "thoracentesis")
  #expect(try book.search(typed: "absent", kind: nil, before: nil).hits.isEmpty)
}

@Test func theTallyCountsWhatTheFilterLetsThrough() async throws {
  let test = try TestBook()
  let book = try test.create()
  try await importRotation(book)
  let tally = try await book.tally(filter: CaseFilter(), scheme: nil).finish()
  #expect(tally.cases == 46)
  #expect(tally.goals.scheme == guideGoals().name)
  let mine = try readGoalScheme(
    text: """
      id = "mine"
      name = "My goals"
      source = "me"
      [[goal]]
      id = "1"
      label = "PICCs"
      any_of = ["picc"]
      minimum = 500
      """, fileName: "mine.toml")
  let piccs = CaseFilter(procedures: ["picc"])
  let against = try await book.tally(filter: piccs, scheme: mine).finish()
  #expect((1...45).contains(against.cases))
  #expect(against.goals.open.map(\.cases) == [against.cases])
}

@Test func listsToPickFromComeFromTheCore() throws {
  let known = Set(categories().map(\.id))
  #expect(procedures().allSatisfy { known.contains($0.category) })
  #expect(findProcedures(typed: "picc").first?.id == "picc")
  let hit = try #require(identifiersIn(text: "seen with Mrs. Smith").first)
  #expect(hit.kind == .name)
  #expect(!hit.kind.wording.line.isEmpty)
}

@Test func whatAPageShowsIsTheCores() throws {
  let test = try TestBook()
  let book = try test.create()
  let reading = try book.readJot(text: "R IJ picc, 5F, assisted, prob US")
  #expect(jotChips(reading: reading).contains { $0.field == .french && $0.text.contains("5") })
  let id = try book.jot("R IJ picc, 5F, xanthochromic").id
  let sheet = try book.caseSheet(id: id).sections.flatMap(\.fields)
  #expect(sheet.first { $0.path == "french" }?.texts == ["5"])
  #expect(try book.caseChoices().procedures == ["picc"])
  let found = try #require(try book.foundIn(typed: "xantho", ids: [id])[id])
  #expect(found.first { $0.found }?.text == "xanthochromic")
}

@Test func aChangeIsHeard() async throws {
  let test = try TestBook()
  let queue = CoreQueue(try test.create())
  var changes = queue.changes().makeAsyncIterator()
  let saved = try await queue.run {
    try $0.saveJot(text: "picc", options: JotOptions())
  }
  #expect(await changes.next() == [saved.change])
  #expect(saved.change.what == .created)
}

@Test func aBookThatWaitsKeepsNoOtherTaskWaiting() async throws {
  // More books than Swift's tasks have threads: were they to wait there, nobody could open the gate.
  let count = ProcessInfo.processInfo.activeProcessorCount + 2
  let books = try (0..<count).map { _ in try TestBook() }
  let gate = DispatchSemaphore(value: 0)
  let passed = try await withThrowingTaskGroup(of: Bool.self) { group in
    for book in books {
      let queue = CoreQueue(try book.create())
      group.addTask { try await queue.run { _ in gate.wait(timeout: .now() + 30) == .success } }
    }
    group.addTask {
      for _ in 0..<count { gate.signal() }
      return true
    }
    var all = true
    for try await one in group { all = all && one }
    return all
  }
  #expect(passed)
}

@Test func aCancelledTaskWritesNothing() async throws {
  let test = try TestBook()
  let book = try test.create()
  let queue = CoreQueue(book)
  let task = Task {
    withUnsafeCurrentTask { $0?.cancel() }
    _ = try await queue.run { try $0.saveJot(text: "picc", options: JotOptions()) }
  }
  await #expect(throws: CancellationError.self) { try await task.value }
  #expect(try book.countCases(filter: CaseFilter()) == 0)
}

@Test func aQueueOpensOrCreates() async throws {
  let test = try TestBook()
  let open = {
    try await CoreQueue.openOrCreate(
      folder: test.path("new"), vault: test.vault, installation: "this device")
  }
  var opened = try await open()
  #expect(opened.recoveryCode != nil)
  _ = try await opened.queue.run {
    try $0.saveJot(text: "picc", options: JotOptions())
  }
  opened = try await open()
  #expect(opened.recoveryCode == nil)
  #expect(try await opened.queue.run { try $0.countCases(filter: CaseFilter()) } == 1)
}

@Test func whoOpensOrCreatesAtTheSameTimeSharesOneBook() async throws {
  let test = try TestBook()
  let (path, vault) = (test.path("new"), test.vault)
  let codes = try await withThrowingTaskGroup(of: Bool.self) { group in
    for _ in 0..<5 {
      group.addTask {
        let opened = try await CoreQueue.openOrCreate(
          folder: path, vault: vault, installation: "this device")
        _ = try await opened.queue.run {
          try $0.saveJot(text: "picc", options: JotOptions())
        }
        return opened.recoveryCode != nil
      }
    }
    return try await group.reduce(into: 0) { count, made in count += made ? 1 : 0 }
  }
  #expect(codes == 1)
  let book = try Logbook.open(folder: path, vault: vault, installation: "this device")
  #expect(try book.countCases(filter: CaseFilter()) == 5)
}

@Test func deleteRestoreUndoAndEraseAreWrites() throws {
  let test = try TestBook()
  let book = try test.create()
  let saved = try book.jot("picc, note of the day")
  _ = try book.delete(id: saved.id)
  #expect(try book.recentlyDeleted().map(\.id) == [saved.id])
  #expect(try book.restoreRecord(id: saved.id)?.what == .restored)
  #expect(try book.undo(change: saved.change)?.what == .deleted)
  _ = try book.erase(id: saved.id)
  #expect(throws: LogbookError.NotFound(id: saved.id)) { try book.case(id: saved.id) }
}

@Test func aCopyCarriesOverWhoAndWhere() async throws {
  let test = try TestBook()
  let book = try test.create()
  try await importRotation(book)
  #expect(try book.people().contains { $0.role == .attending })
  let original = try #require(try book.newest().rows.first { $0.attending != nil })
  let copy = try book.case(id: book.duplicateCase(id: original.id).id).row
  #expect(copy.attending == original.attending)
  #expect(!copy.hasLesson)
  #expect(try !book.recentChoices().procedures.isEmpty)
}

private func importRotation(_ book: Logbook) async throws {
  _ = try await book.importFile(path: rotation.path, options: ImportOptions()).finish()
}
