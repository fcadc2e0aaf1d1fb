/// The name of one stored thing; `Tag` keeps a record's from being taken for a draft's.
///
/// Whatever takes one throws `LogbookError.NotAnId` where `text` is none.
public struct Id<Tag>: Hashable, Sendable, CustomStringConvertible {
  /// As it is stored and sent.
  public let text: String

  /// From its text.
  public init(_ text: String) { self.text = text }

  public var description: String { text }
}

/// Marks the ids of records.
public enum RecordTag: Sendable {}

/// Marks the ids of drafts.
public enum DraftTag: Sendable {}
