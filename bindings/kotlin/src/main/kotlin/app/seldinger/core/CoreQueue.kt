package app.seldinger.core

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.withContext

/**
 * An open book whose calls run in order on a background thread: one for the life of the app.
 *
 * Calls of the core block for some milliseconds, so no screen makes them itself.
 */
class CoreQueue(
    private val book: LogbookInterface,
    background: CoroutineDispatcher = Dispatchers.IO,
) : AutoCloseable {
    private val lane = background.limitedParallelism(1)
    private val feed = ChangeFeed().also(book::observe)

    /** Every committed transaction from the moment of collecting on. */
    val changes: Flow<List<Change>> get() = feed.changes

    /** Runs [work] on the book and gives what it gives, or throws what it throws. */
    suspend fun <T> run(work: (LogbookInterface) -> T): T = withContext(lane) { work(book) }

    /** Closes the book; a call that is running ends first, a later one throws. */
    override fun close() {
        (book as? AutoCloseable)?.close()
    }

    companion object {
        /** Opens the book in [folder], or makes one where there is nothing; other processes may do the same. */
        suspend fun openOrCreate(
            folder: String,
            vault: KeyVault,
            installation: String,
            background: CoroutineDispatcher = Dispatchers.IO,
        ): Opened = withContext(background) {
            val book = Logbook.openOrCreate(folder, vault, installation)
            val code = if (book.hasUnconfirmedCode()) book.unconfirmedCode() else null
            Opened(CoreQueue(book, background), book, code)
        }
    }
}

/** A book that was just opened. */
class Opened(
    /** The book, for screens. */
    val queue: CoreQueue,
    /** The book itself, for [SyncService.begin]. */
    val book: Logbook,
    /**
     * The only way back when the key is lost. Here until it is confirmed: show it, let it be written down,
     * ask for two groups of it with [Logbook.codeGroups], and give them to [Logbook.confirmCode].
     */
    val recoveryCode: String?,
)
