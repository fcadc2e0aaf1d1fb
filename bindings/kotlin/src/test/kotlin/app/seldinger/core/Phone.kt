package app.seldinger.core

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import java.io.File

/**
 * A phone as a process of its own, for `tests/system/phones.rs`: makes a book in a folder and obeys the
 * lines of standard input, one after the other, until `quit`.
 */
fun main(arguments: Array<String>) {
    val (folder, name) = arguments
    Logbook.create("$folder/book", MemoryVault(), "a phone").use { book ->
        val phone = Phone(book, name, File(folder, "cases.jsonl"))
        generateSequence(::readLine).takeWhile { it != "quit" }.forEach(phone::obey)
    }
}

private class Phone(private val book: Logbook, private val name: String, private val cases: File) {
    private val feed = SyncFeed()
    private var sync: SyncService? = null

    fun obey(line: String) = runBlocking {
        val words = line.split(' ', limit = 4)
        when (words[0]) {
            // The app comes to the front, and is suspended.
            "online" -> sync = SyncService.begin(book, name, null, feed)
            "offline" -> sync?.close()
            "join" -> join(code = words[1], at = words[2])
            "jot" -> book.jot(line.removePrefix("jot "))
            "type" -> type(RecordId(words[1]), TypedField(words[2], listOf(words[3])))
            "also" -> println("also ${also(RecordId(words[1]), words[2]).told}")
            "both" -> keepBoth(RecordId(words[1]), words[2])
            "wait" -> waitFor(words[1].toULong())
            "export" -> export()
            else -> error("what? $line")
        }
    }

    private suspend fun join(code: String, at: String) {
        val sync = checkNotNull(sync)
        sync.join(code, at)
        feed.watch(sync::joining).first { view ->
            when (view) {
                is JoinView.Digits -> println("digits ${view.digits}")
                is JoinView.Failed -> println("failed ${view.told.line}")
                else -> Unit
            }
            view is JoinView.Paired
        }
        println("paired")
    }

    private fun type(case: RecordId, typed: TypedField) {
        book.saveForm(book.openForm("case", case), listOf(typed))
    }

    private suspend fun keepBoth(case: RecordId, path: String) {
        val also = also(case, path)
        book.settle(case, path, Keep.Both(checkNotNull(also.both)), also.seen)
    }

    /** What another device wrote in the field at [path], as soon as it is here. */
    private suspend fun also(case: RecordId, path: String): AlsoWritten = checkNotNull(
        feed.watch { book.alsoWritten(case).find { it.path == path } }.first { it != null },
    )

    /** Until so many cases are here, all is over there too, and nothing is left to choose. */
    private suspend fun waitFor(count: ULong) {
        val sync = checkNotNull(sync)
        feed.watch {
            val status = sync.status()
            status.devices.any(DeviceStatus::isConnected) &&
                status.state is SyncState.UpToDate &&
                book.countCases(CaseFilter()) == count &&
                book.writtenTwice().isEmpty()
        }.first { it }
        println("has $count")
    }

    private suspend fun export() {
        val options = ExportOptions(kind = "case", replace = true)
        val report = book.exportFile(cases.path, ExportFormat.JSONL, options).finish()
        println("exported ${report.records}")
    }
}
