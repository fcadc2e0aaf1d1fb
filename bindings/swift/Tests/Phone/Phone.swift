import Foundation
import Seldinger

/// A phone as a process of its own, for `tests/system/phones.rs`: makes a book in a folder and obeys the
/// lines of standard input, one after the other, until `quit`.
@main
struct Phone {
  private let book: Logbook
  private let name: String
  private let cases: String
  private let feed = SyncFeed()
  private var sync: SyncService?

  static func main() async throws {
    var phone = try Phone(folder: CommandLine.arguments[1], name: CommandLine.arguments[2])
    while let line = readLine(), line != "quit" { try await phone.obey(line) }
  }

  private init(folder: String, name: String) throws {
    book = try Logbook.create(folder: folder + "/book", vault: Keys(), installation: "a phone")
    cases = folder + "/cases.jsonl"
    self.name = name
  }

  private mutating func obey(_ line: String) async throws {
    let words = line.split(separator: " ", maxSplits: 3).map(String.init)
    switch words[0] {
    // The app comes to the front, and is suspended.
    case "online":
      sync = try SyncService.begin(book: book, name: name, discovery: nil, observer: feed)
    case "offline": sync = nil
    case "join": try await join(code: words[1], at: words[2])
    case "jot": _ = try book.saveJot(text: String(line.dropFirst(4)), options: JotOptions())
    case "type":
      let form = try book.openForm(id: "case", record: RecordId(words[1]))
      _ = try book.saveForm(form: form, typed: [TypedField(path: words[2], texts: [words[3]])])
    case "also": say("also \(try await also(RecordId(words[1]), path: words[2]).told)")
    case "both": try await keepBoth(RecordId(words[1]), path: words[2])
    case "wait": try await waitFor(words[1])
    case "export":
      let job = try book.exportFile(path: cases, format: .jsonl, options: ExportOptions(kind: "case", replace: true))
      say("exported \(try await job.finish().records)")
    default: throw NotUnderstood()
    }
  }

  private func join(code: String, at: String) async throws {
    guard let sync else { throw NotUnderstood() }
    try sync.join(code: code, at: at)
    for try await view in feed.watch({ sync.joining() }) {
      switch view {
      case .digits(let digits, _): say("digits \(digits)")
      case .failed(let told): say("failed \(told.line)")
      case .paired: return say("paired")
      case .looking, nil: break
      }
    }
  }

  /// What another device wrote in a field, as soon as it is here.
  private func also(_ record: RecordId, path: String) async throws -> AlsoWritten {
    for try await also in feed.watch({ [book] in try book.alsoWritten(id: record) }) {
      if let other = also.first(where: { $0.path == path }) { return other }
    }
    throw NotUnderstood()
  }

  private func keepBoth(_ record: RecordId, path: String) async throws {
    let other = try await also(record, path: path)
    guard let both = other.both else { throw NotUnderstood() }
    _ = try book.settle(id: record, path: path, keep: .both(text: both), seen: other.seen)
  }

  /// Until so many cases are here, all is over there too, and nothing is left to choose.
  private func waitFor(_ count: String) async throws {
    guard let sync else { throw NotUnderstood() }
    for try await status in feed.statuses(of: sync) {
      guard case .upToDate = status.state, status.devices.contains(where: \.isConnected),
        try String(book.countCases(filter: CaseFilter())) == count, try book.writtenTwice().isEmpty
      else { continue }
      return say("has \(count)")
    }
  }
}

private struct NotUnderstood: Error {}

/// Keys for the life of the process.
private final class Keys: KeyVault, @unchecked Sendable {
  private let lock = NSLock()
  private var kept: [String: Data] = [:]

  func load(name: String) throws -> Data? { lock.withLock { kept[name] } }
  func store(name: String, secret: Data) throws { lock.withLock { kept[name] = secret } }
  func remove(name: String) throws { lock.withLock { kept[name] = nil } }
}

/// Past the buffer of standard output: somebody waits for it.
private func say(_ line: String) {
  FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
