import Seldinger
import Testing

private func begin(_ book: Logbook, _ feed: SyncFeed = SyncFeed()) throws -> SyncService {
  try SyncService.begin(book: book, name: "Test", discovery: nil, observer: feed)
}

@Test func aBookOfOneDeviceShowsNoBadge() async throws {
  let test = try TestBook()
  let book = try test.create()
  let feed = SyncFeed()
  let sync = try begin(book, feed)
  let status = try #require(try await feed.statuses(of: sync).first { _ in true })
  #expect(status.state == .alone && status.text.isEmpty)
  #expect(sync.joining() == nil)
  #expect(try book.peers().isEmpty)
}

@Test func nothingHoldsTheServiceWhenNobodyWatchesAnyMore() async throws {
  let test = try TestBook()
  let feed = SyncFeed()
  var sync: SyncService? = try begin(test.create(), feed)
  weak var held = sync
  for try await _ in feed.statuses(of: try #require(sync)) { break }
  #expect(held != nil)
  sync = nil
  #expect(held == nil)
}

@Test func twoBooksExchangeWhatTheyHaveByFiles() async throws {
  let (one, two) = (try TestBook(), try TestBook())
  let (book, other) = (try one.create(), try two.create())
  try book.jot("picc")
  let file = one.path("bundle")
  let made = try await book.makeBundle(path: file, to: .stranger, name: "One").finish()
  let taken = try await other.takeBundle(path: file, code: made.code).finish()
  #expect(try other.peers().map(\.name) == [taken.name])
  #expect(try other.newest().rows == book.newest().rows)
}

@Test func aCodeThatIsNoneIsTold() throws {
  let test = try TestBook()
  let sync = try begin(test.create())
  let bad = SyncError.Code(error: .notACode)
  #expect(throws: bad) { try sync.join(code: "picc, assisted", at: nil) }
  #expect(!bad.wording.line.isEmpty)
  #expect(throws: SyncError.self) { try sync.revoke(fingerprint: "nobody", name: "Nobody") }
}

/// A code as another device would show it.
private func code(_ sync: SyncService) throws -> String {
  let port = try sync.listen(address: "127.0.0.1:0")
  return try #require(try sync.openWindow(addresses: ["127.0.0.1:\(port)"]).code)
}

@Test func whereNobodyAnswersJoiningFailsAndSaysSo() async throws {
  let test = try TestBook()
  let feed = SyncFeed()
  let sync = try begin(test.create(), feed)
  try sync.join(code: code(sync), at: "127.0.0.1:1")
  for try await view in feed.watch({ sync.joining() }) {
    guard case .failed(let told) = view else { continue }
    #expect(!told.line.isEmpty)
    return
  }
}

@Test func aWindowOpensOnlyWhereSomebodyListens() throws {
  let test = try TestBook()
  let sync = try begin(test.create())
  #expect(throws: SyncError.self) { try sync.openWindow(addresses: []) }
  _ = try code(sync)
  #expect(sync.window()?.state == .open)
  #expect(sync.typeDigits(typed: "123456") == .nobodyWaits)
  sync.closeWindow()
  #expect(sync.window()?.state == .closed)
}
