extension LogbookError {
  /// What is said to the user: the core has the words.
  public var wording: Wording { errorWording(error: self) }
}

extension SyncError {
  /// What is said when sync could not do something.
  public var wording: Wording { syncErrorWording(error: self) }
}

extension ContentError {
  /// What is said to the author of a scheme of goals.
  public var wording: Wording { contentErrorWording(error: self) }
}

extension BadLineAt {
  /// What is said about a line that an import left out.
  public var wording: Wording { badLineWording(bad: self) }
}

extension IdentifierKind {
  /// What is said about something that looks like an identifier.
  public var wording: Wording { identifierWording(kind: self) }
}

extension Wording {
  /// All of it on one line.
  public var line: String {
    [what, kept, todo].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
