import Foundation
import Seldinger

/// Keys in memory; `fail` makes every call fail until it is taken away again.
final class MemoryVault: KeyVault, @unchecked Sendable {
  private let lock = NSLock()
  private var kept: [String: Data] = [:]
  private var failure: (any Error)?

  var secrets: [String: Data] { lock.withLock { kept } }

  func fail(_ failure: (any Error)?) { lock.withLock { self.failure = failure } }

  func load(name: String) throws -> Data? { try open { $0[name] } }

  func store(name: String, secret: Data) throws { try open { $0[name] = secret } }

  func remove(name: String) throws { try open { $0[name] = nil } }

  private func open<T>(_ work: (inout [String: Data]) -> T) throws -> T {
    try lock.withLock {
      if let failure { throw failure }
      return work(&kept)
    }
  }
}

/// A mistake in a shell: nothing that the core knows.
struct Mistake: Error {}

/// A folder for one book, gone in the end.
final class TestBook {
  let folder: URL
  let vault = MemoryVault()

  init(in parent: URL = FileManager.default.temporaryDirectory) throws {
    folder = parent.appendingPathComponent("seldinger-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func create() throws -> Logbook {
    try Logbook.create(folder: path("book"), vault: vault, installation: "this device")
  }

  func open() throws -> Logbook {
    try Logbook.open(folder: path("book"), vault: vault, installation: "this device")
  }

  func openOrCreate() throws -> Logbook {
    try Logbook.openOrCreate(folder: path("book"), vault: vault, installation: "this device")
  }

  /// A file beside the book.
  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// What is in the folder.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
  }
}

extension Logbook {
  /// Saves a line as it is typed.
  @discardableResult
  func jot(_ text: String) throws -> SavedJot {
    try saveJot(text: text, options: JotOptions())
  }

  /// The first page of every case, newest first.
  func newest(after: String? = nil) throws -> CasePage {
    try cases(filter: CaseFilter(), sort: .newest, after: after)
  }
}

extension CasePage {
  /// Every row, day after day.
  var rows: [CaseRow] { days.flatMap(\.rows) }
}

extension OpenForm {
  /// What the form says at `path`.
  func texts(_ path: String) -> [String] {
    view.sections.flatMap(\.fields).first { $0.path == path }?.values ?? []
  }
}

/// Where the library and the files to test with are.
let stage = URL(
  fileURLWithPath: ProcessInfo.processInfo.environment["SELDINGER_STAGE"]
    ?? "../../target/shells")

/// The sample rotation.
let rotation = stage.appendingPathComponent("rotation.jsonl")

/// The lines of a text file.
func lines(_ file: URL) throws -> [String] {
  try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
}
