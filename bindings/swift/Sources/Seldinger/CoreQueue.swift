/// An open book whose calls run in order, on a thread of their own: one for the life of the app.
///
/// Calls of the core block for some milliseconds, so no screen makes them itself.
public actor CoreQueue {
  private let book: any LogbookProtocol
  private let feed = ChangeFeed()
  private let lane: Lane

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    lane.asUnownedSerialExecutor()
  }

  /// A queue in front of an open book.
  public init(_ book: any LogbookProtocol) {
    self.init(book, on: Lane("core"))
  }

  private init(_ book: any LogbookProtocol, on lane: Lane) {
    self.book = book
    self.lane = lane
    book.observe(observer: feed)
  }

  /// Opens the book in `folder`, or makes one where there is nothing; other processes may do the same.
  public static func openOrCreate(
    folder: String, vault: any KeyVault, installation: String
  ) async throws -> Opened {
    let lane = Lane("core")
    return try await lane.run {
      let book = try Logbook.openOrCreate(
        folder: folder, vault: vault, installation: installation)
      let queue = CoreQueue(book, on: lane)
      return Opened(queue: queue, book: book, recoveryCode: book.takeRecoveryCode())
    }
  }

  /// Every committed transaction from this call on.
  public nonisolated func changes() -> AsyncStream<[Change]> { feed.changes() }

  /// Runs `work` on the book and gives what it gives, or throws what it throws. Where the task was
  /// cancelled before its turn came, nothing is done, and that throws `CancellationError`.
  public func run<T: Sendable>(
    _ work: @Sendable (any LogbookProtocol) throws -> T
  ) throws -> T {
    try Task.checkCancellation()
    return try work(book)
  }
}

/// A book that was just opened. It does not print the code.
public struct Opened: Sendable, CustomStringConvertible, CustomReflectable {
  /// The book, for screens.
  public let queue: CoreQueue
  /// The book itself, for `SyncService.begin`.
  public let book: Logbook
  /// Shown once where the book is new: the only way back when the key is lost.
  public let recoveryCode: String?

  public var description: String { "Opened" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
