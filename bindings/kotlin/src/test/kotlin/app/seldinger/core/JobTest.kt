package app.seldinger.core

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.cancel
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class JobTest {
    @Test
    fun `an import steps to its end, and the second one adds nothing`() = withBook { book ->
        val seen = mutableListOf<JobProgress>()
        val report =
            runBlocking {
                book.importFile(rotation.path, ImportOptions()).finish(watch = seen::add)
            }
        val lines = rotation.readLines().size.toULong()
        assertEquals(lines, report.added)
        assertTrue(seen.last().finished && seen.size > 1)
        assertEquals(seen.map(JobProgress::done).sorted(), seen.map(JobProgress::done))
        val again = runBlocking { book.importFile(rotation.path, ImportOptions()).finish() }
        assertEquals(0uL to lines, again.added to again.known)
    }

    @Test
    fun `an export is whole, and a table too`() = withBook { book ->
        runBlocking {
            book.importFile(rotation.path, ImportOptions()).finish()
            val lines = folder.resolve("out.jsonl")
            val report = book.exportFile(lines.path, ExportFormat.JSONL, ExportOptions()).finish()
            assertEquals(report.records.toInt(), lines.readLines().size)
            val table = folder.resolve("out.csv")
            val cases = book.exportFile(
                table.path,
                ExportFormat.CSV,
                ExportOptions(),
            ).finish().records
            assertEquals(46uL, cases)
            assertTrue(table.readText().contains("fluoro_min"))
            assertThrows(LogbookException.FileExists::class.java) {
                book.exportFile(table.path, ExportFormat.JSONL, ExportOptions())
            }
            assertTrue(table.readText().contains("fluoro_min"))
            val looked = book.findIdentifiers("case").finish()
            assertEquals(46uL, looked.records)
        }
    }

    @Test
    fun `a cancelled job does no more and leaves nothing`() = withBook { book ->
        val out = folder.resolve("out.jsonl")
        book.jot("picc")
        book.exportFile(out.path, ExportFormat.JSONL, ExportOptions()).use { job ->
            Thread(job::cancel).apply { start() }.join()
            assertThrows(LogbookException.Cancelled::class.java) { job.step() }
            assertNull(job.take())
        }
        assertEquals(listOf("book"), folder.list()?.toList())
    }

    @Test
    fun `cancelling the coroutine stops the job`() = withBook { book ->
        val out = folder.resolve("out.jsonl")
        repeat(450) { book.jot("para") }
        assertThrows(CancellationException::class.java) {
            runBlocking {
                val all = this
                book.exportFile(out.path, ExportFormat.JSONL, ExportOptions()).finish {
                    all.cancel()
                }
            }
        }
        assertFalse(out.exists())
        assertEquals(listOf("book"), folder.list()?.toList())
    }

    @Test
    fun `a bad line is named, or left out`() = withBook { book ->
        val file = folder.resolve("bad.jsonl")
        file.writeText(rotation.readLines().first() + "\n{\"kind\": \"case\"}\n")
        val bad =
            assertThrows(LogbookException.BadLine::class.java) {
                runBlocking { book.importFile(file.path, ImportOptions()).finish() }
            }
        assertEquals(2uL to LineProblem.AT, bad.line to bad.reason)
        assertEquals(0, book.people().size)
        val report =
            runBlocking { book.importFile(file.path, ImportOptions(skipBad = true)).finish() }
        assertEquals(listOf(BadLineAt(2uL, LineProblem.AT)), report.badLines)
        assertTrue(report.badLines.single().wording.line.contains('2'))
        assertEquals(1uL, report.added)
    }
}
