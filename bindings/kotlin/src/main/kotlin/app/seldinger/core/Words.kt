package app.seldinger.core

/** What is said to the user: the core has the words. */
val LogbookException.wording: Wording get() = errorWording(this)

/** What is said when sync could not do something. */
val SyncException.wording: Wording get() = syncErrorWording(this)

/** What is said to the author of a scheme of goals. */
val ContentException.wording: Wording get() = contentErrorWording(this)

/** What is said about a line that an import left out. */
val BadLineAt.wording: Wording get() = badLineWording(this)

/** What is said about something that looks like an identifier. */
val IdentifierKind.wording: Wording get() = identifierWording(this)

/** All of it on one line. */
val Wording.line: String get() = listOf(
    what,
    kept,
    todo,
).filter(String::isNotEmpty).joinToString(" ")
