import Foundation

/// Tells of what changed, as streams that lose nothing.
///
/// Unchecked, because the lock is what makes it safe: the core calls from any thread.
public final class ChangeFeed: ChangeObserver, @unchecked Sendable {
  private let lock = NSLock()
  private var listeners: [UUID: AsyncStream<[Change]>.Continuation] = [:]

  public init() {}

  /// Every committed transaction from this call on, in order.
  public func changes() -> AsyncStream<[Change]> {
    let (stream, continuation) = AsyncStream.makeStream(of: [Change].self)
    let key = UUID()
    continuation.onTermination = { [weak self] _ in
      self?.lock.withLock { self?.listeners[key] = nil }
    }
    lock.withLock { listeners[key] = continuation }
    return stream
  }

  /// Called by the core after each commit; never waits for who listens.
  public func changed(changes: [Change]) throws {
    let all = lock.withLock { Array(listeners.values) }
    for listener in all { listener.yield(changes) }
  }
}
