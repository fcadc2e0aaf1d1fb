import Foundation
import Seldinger
import Testing

// Backup, restore, verification and keys.

extension TestBook {
  fileprivate func restore(_ file: String, _ secret: String) throws -> RestoreJob {
    try restoreBackup(path: file, secret: secret, folder: path("other"), vault: vault)
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
  let restored = try await test.restore(file, "correct horse").finish()
  #expect(restored.records == 1)
  #expect(restored.replaced == nil)
  var other: Logbook? = try Logbook.open(
    folder: test.path("other"), vault: test.vault, installation: "another device")
  #expect(try other?.newest().rows.map(\.id) == [id])
  await #expect(throws: LogbookError.Busy) {
    try await test.restore(file, "correct horse").finish()
  }
  other = nil
  #expect(try await test.restore(file, "correct horse").finish().replaced != nil)
}

@Test func aRecoveryCodeOpensABackupThatHasNoPassphrase() async throws {
  let test = try TestBook()
  let book = try test.create()
  let code = try #require(book.takeRecoveryCode())
  try book.jot("picc")
  let due = try #require(try book.automaticBackup())
  let file = try await due.finish().file
  #expect(try book.automaticBackup() == nil)
  #expect(try await test.restore(file, code).finish().records == 1)
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
  let old = try #require(book?.takeRecoveryCode())
  try book?.jot("picc")
  book = nil
  let name = try #require(test.vault.secrets.keys.first)
  let change = try await changeKey(folder: test.path("book"), vault: test.vault).finish()
  #expect(change.recoveryCode != old)
  #expect(String(describing: change) == "KeyChange")
  #expect(test.vault.secrets[name] == nil && test.vault.secrets.count == 1)
  for name in test.vault.secrets.keys { try test.vault.remove(name: name) }
  #expect(throws: LogbookError.KeyMissing) { try test.open() }
  let recover = { code in
    try recoverKey(folder: test.path("book"), recoveryCode: code, vault: test.vault)
  }
  #expect(throws: LogbookError.NotACode) { try recover("a poem") }
  #expect(throws: LogbookError.WrongKey) { try recover(old) }
  try recover(change.recoveryCode)
  #expect(try test.open().newest().rows.count == 1)
}
