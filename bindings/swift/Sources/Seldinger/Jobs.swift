// Long work to its end, on a thread of its own. Cancelling the task stops it before the next step, and
// what was not finished is undone; that throws `CancellationError`. A job that is cancelled itself throws
// `LogbookError.Cancelled`. Jobs have a connection of their own, so other calls go on beside them.

extension ImportJob {
  /// Imports to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> ImportReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension ExportJob {
  /// Exports to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> ExportReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension IdentifierJob {
  /// Looks for identifiers to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> IdentifierReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension BackupJob {
  /// Backs up, to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> BackupReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension RestoreJob {
  /// Restores, to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> RestoreReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension TallyJob {
  /// Counts to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> Tally {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension VerifyJob {
  /// Verifies, to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> VerifyReport {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension KeyChangeJob {
  /// Changes the key, to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> KeyChange {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension MakeBundleJob {
  /// Writes a bundle to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> MadeBundle {
    try await toTheEnd(step, cancel, take, watch)
  }
}

extension TakeBundleJob {
  /// Takes a bundle in, to the end; `watch` hears how far it is.
  public func finish(_ watch: (JobProgress) -> Void = { _ in }) async throws -> TakenBundle {
    try await toTheEnd(step, cancel, take, watch)
  }
}

private func toTheEnd<T: Sendable>(
  _ step: @escaping @Sendable () throws -> JobProgress, _ cancel: () -> Void,
  _ take: @escaping @Sendable () -> T?, _ watch: (JobProgress) -> Void
) async throws -> T {
  let lane = Lane("job")
  while true {
    if Task.isCancelled {
      // The step after a cancellation does nothing but let go of what was begun.
      cancel()
      _ = try? await lane.run(step)
      throw CancellationError()
    }
    let progress = try await lane.run(step)
    watch(progress)
    if progress.finished { break }
  }
  guard let outcome = try await lane.run(take) else { throw LogbookError.Cancelled }
  return outcome
}
