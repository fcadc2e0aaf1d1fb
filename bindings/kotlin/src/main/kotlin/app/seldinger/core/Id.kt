package app.seldinger.core

/**
 * The name of one stored thing; [Tag] keeps a record's from being taken for a draft's.
 *
 * Whatever takes one answers [LogbookException.NotAnId] where [text] is none.
 */
@JvmInline
value class Id<Tag>(val text: String) {
    override fun toString(): String = text
}

/** Marks the ids of records. */
sealed interface RecordTag

/** Marks the ids of drafts. */
sealed interface DraftTag
