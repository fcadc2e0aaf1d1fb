import Foundation
import Seldinger
import Testing

// Backup, restore, verification and keys.

extension TestBook {
  fileprivate func restore(_ file: String, _ secret: String) throws -> RestoreJob {
    try restoreBackup(path: file, secret: secret, folder: path("other"), vault: vault)
  }

  fileprivate func restored(_ file: String, _ secret: String) async throws -> RestoreReport {
    try await restore(file, secret).finish().putInPlace()
  }
}

@Test func aBackupIsRestoredIntoAnotherFolder() async throws {
  let test = try TestBook()
  let book = try test.create()
  let id = try book.jot("picc").id
  let file = test.path("book.backup")
  let report = try await book.backupFile(path: file, passphrase: "correct horse").finish()
  #expect(report.bytes > 0)
  await #expect(throws: LogbookError.WrongKey) {
    try await test.restore(file, "wrong horse").finish()
  }
  let restored = try await test.restored(file, "correct horse")
  #expect(restored.records == 1)
  #expect(restored.replaced == nil)
  var other: Logbook? = try Logbook.open(
    folder: test.path("other"), vault: test.vault, installation: "another device")
  #expect(try other?.newest().rows.map(\.id) == [id])
  await #expect(throws: LogbookError.Busy) {
    try await test.restore(file, "correct horse").finish()
  }
  other = nil
  #expect(try await test.restored(file, "correct horse").replaced != nil)
}

@Test func whatARestoreReplacesIsToldBeforeItDoes() async throws {
  let test = try TestBook()
  let book = try test.create()
  try book.jot("picc")
  let file = test.path("book.backup")
  _ = try await book.backupFile(path: file, passphrase: "correct horse").finish()
  _ = try await test.restored(file, "correct horse")
  let open = {
    try Logbook.open(folder: test.path("other"), vault: test.vault, installation: "another device")
  }
  try open().jot("port")
  let ready = try await test.restore(file, "correct horse").finish()
  let outlook = ready.outlook()
  #expect(outlook.records == 1 && outlook.days == 0)
  guard case .readable(let added, let changed, _, _) = outlook.replaced else {
    Issue.record("the log there can be read")
    return
  }
  #expect(added == 1 && changed == 0)
  #expect(restoreWording(outlook: outlook).what.contains("Written since: 1."))
  ready.discard()
  #expect(throws: LogbookError.Cancelled) { try ready.putInPlace() }
  #expect(try open().newest().rows.count == 2, "it was let go of")
}

@Test func aRecoveryCodeOpensABackupThatHasNoPassphrase() async throws {
  let test = try TestBook()
  let book = try test.create()
  let code = try book.unconfirmedCode()
  try book.jot("picc")
  let due = try #require(try book.automaticBackup())
  let file = try await due.finish().file
  #expect(try book.automaticBackup() == nil)
  #expect(try await test.restored(file, code).records == 1)
}

@Test func whatIsNoBackupIsTold() async throws {
  let test = try TestBook()
  let file = test.path("poem.txt")
  try "roses are red".write(toFile: file, atomically: true, encoding: .utf8)
  await #expect(throws: LogbookError.BadBackup) { try await test.restore(file, "secret").finish() }
  await #expect(throws: LogbookError.NoFile) {
    try await test.restore(file + ".no", "secret").finish()
  }
}

@Test func aVerificationReadsEverything() async throws {
  let test = try TestBook()
  let book = try test.create()
  try book.jot("picc")
  let report = try await book.verify().finish()
  #expect(report.records == 1 && report.badPages == 0 && report.badRecords == 0)
  #expect(report.pages > 0 && report.damaged.isEmpty)
}

@Test func aKeyIsChangedLostAndBroughtBack() async throws {
  let test = try TestBook()
  var book: Logbook? = try test.create()
  let old = try #require(try book?.unconfirmedCode())
  try book?.jot("picc")
  book = nil
  let name = try #require(test.vault.secrets.keys.first)
  let prepare = { try await changeKey(folder: test.path("book"), vault: test.vault).finish() }
  var change: KeyChange? = try await prepare()
  #expect(change?.recoveryCode() != old)
  change = nil
  #expect(Array(test.vault.secrets.keys) == [name], "it was let go of")
  change = try await prepare()
  let code = try #require(change?.recoveryCode())
  try change?.putInForce()
  #expect(test.vault.secrets[name] == nil && test.vault.secrets.count == 1)
  for name in test.vault.secrets.keys { try test.vault.remove(name: name) }
  #expect(throws: LogbookError.KeyMissing) { try test.open() }
  let recover = { code in
    try recoverKey(folder: test.path("book"), recoveryCode: code, vault: test.vault)
  }
  #expect(throws: LogbookError.NotACode) { try recover("a poem") }
  #expect(throws: LogbookError.WrongKey) { try recover(old) }
  try recover(code)
  let again = try test.open()
  #expect(try again.newest().rows.count == 1)
  #expect(try again.unconfirmedCode() == code)
}
