import Foundation

/// Tells how sync goes, as streams that begin with how it is now. Give it to `SyncService.begin`.
///
/// A stream holds the service that it asks. To let go of that, cancel the tasks that watch it, too.
///
/// Unchecked, because the lock is what makes it safe: the core calls from any thread.
public final class SyncFeed: SyncObserver, @unchecked Sendable {
  /// What is asked now and whenever something changed.
  public typealias Answers<T> = AsyncThrowingMapSequence<AsyncStream<Void>, T>

  private let lane = Lane("sync")
  private let lock = NSLock()
  private var listeners: [UUID: AsyncStream<Void>.Continuation] = [:]

  public init() {}

  /// What to show of `sync`.
  public func statuses(of sync: any SyncServiceProtocol) -> Answers<SyncStatus> {
    watch { try sync.status() }
  }

  /// What `ask` answers, now and whenever something changed: `watch { sync.joining() }`. Of what follows
  /// faster than it is taken, the last counts.
  public func watch<T: Sendable>(_ ask: @escaping @Sendable () throws -> T) -> Answers<T> {
    let lane = lane
    return changes().map { try await lane.run(ask) }
  }

  private func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let key = UUID()
    continuation.onTermination = { [weak self] _ in
      self?.lock.withLock { self?.listeners[key] = nil }
    }
    lock.withLock { listeners[key] = continuation }
    continuation.yield()
    return stream
  }

  /// Called by the core; never waits for who listens.
  public func syncChanged() throws {
    let all = lock.withLock { Array(listeners.values) }
    for listener in all { listener.yield() }
  }
}
