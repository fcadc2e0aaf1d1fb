package app.seldinger.core

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class BookTest {
    @Test
    fun `the recovery code is given once`() = withBook { book ->
        val code = checkNotNull(book.takeRecoveryCode())
        assertEquals(26, code.filter(Char::isLetterOrDigit).length)
        assertNull(book.takeRecoveryCode())
        book.close()
        assertNull(open().takeRecoveryCode())
    }

    @Test
    fun `a jot is a case, and is there after reopening`() = withBook { book ->
        val reading = book.readJot("R IJ picc, assisted, att Okafor, fluoro 1.5 min")
        assertEquals("picc", reading.values.procedure)
        assertEquals(Role.ASSISTED, reading.values.role)
        assertEquals(1.5, reading.values.fluoroMin)
        assertTrue(book.newest().rows.isEmpty())

        val saved = book.jot(reading.text)
        book.close()
        val again = open()
        assertEquals(listOf(saved.id), again.newest().rows.map(CaseRow::id))
        val case = again.case(saved.id)
        assertEquals(reading.text, again.openForm("case", saved.id).texts("jot").single())
        assertEquals("picc", case.row.procedure)
        assertTrue(again.hasFormText(saved.id, "Assisted"))
    }

    private fun Logbook.hasFormText(id: RecordId, word: String) =
        formText("case", id, TextStyle.PLAIN).contains(word)

    @Test
    fun `pages follow each other`() = withBook { book ->
        repeat(120) { book.jot("para ${it + 1} ml") }
        val pages =
            generateSequence(book.newest()) { page ->
                page.next?.let { book.cases(CaseFilter(), CaseSort.NEWEST, it) }
            }.toList()
        assertEquals(listOf(50, 50, 20), pages.map { it.rows.size })
        assertEquals(120, pages.flatMap { it.rows }.distinctBy(CaseRow::id).size)
        assertEquals(120uL, book.countCases(CaseFilter()))
    }

    @Test
    fun `filters and order are the core's`() = withBook { book ->
        importRotation(book)
        val performed = CaseFilter(role = Role.PERFORMED_SUPERVISED)
        val rows = book.cases(performed, CaseSort.AIR_KERMA, null).rows
        assertTrue(rows.isNotEmpty() && rows.all { it.role == Role.PERFORMED_SUPERVISED })
        val dose = rows.mapNotNull(CaseRow::airKermaMgy)
        assertEquals(dose.sortedDescending(), dose)
        assertEquals(rows.size.toULong(), book.countCases(performed))
        val week = CaseFilter(week = IsoWeek(2026, 41u))
        assertTrue(book.cases(week, CaseSort.OLDEST, null).days.all { it.day < "2026-10-12" })
    }

    @Test
    fun `a search marks what it found`() = withBook { book ->
        val saved = book.jot("thoracentesis left, viscous xanthochromic fluid")
        book.jot("picc")
        val hit = book.search("xanthoch", null, null).hits.single()
        assertEquals(saved.id, hit.id)
        assertEquals("xanthochromic", hit.pieces.first(SnippetPiece::found).text)
        assertEquals("thoracentesis", hit.procedure)
        assertTrue(book.search("absent", null, null).hits.isEmpty())
    }

    @Test
    fun `the tally counts what the filter lets through, against a scheme`() = withBook { book ->
        importRotation(book)
        val tally = runBlocking { book.tally(CaseFilter(), null).finish() }
        assertEquals(46u, tally.cases)
        assertEquals(guideGoals().name, tally.goals.scheme)
        val mine =
            readGoalScheme(
                """
                    id = "mine"
                    name = "My goals"
                    source = "me"
                    [[goal]]
                    id = "1"
                    label = "Ports"
                    any_of = ["picc"]
                    minimum = 500
                """.trimIndent(),
                "mine.toml",
            )
        val piccs = CaseFilter(procedures = listOf("picc"))
        val against = runBlocking { book.tally(piccs, mine).finish() }
        assertTrue(against.cases in 1u..45u)
        assertEquals(against.cases, against.goals.open.single().cases)
    }

    @Test
    fun `lists to pick from come from the core`() {
        val categories = categories().map(Category::id)
        assertTrue(procedures().all { it.category in categories })
        assertEquals("picc", findProcedures("picc").first().id)
        val hit = identifiersIn("seen with Mrs. Smith").single()
        assertEquals(IdentifierKind.NAME, hit.kind)
        assertTrue(hit.kind.wording.line.isNotEmpty())
    }

    @Test
    fun `what a page shows is the core's`() = withBook { book ->
        val reading = book.readJot("R IJ picc, 5F, assisted, prob US")
        assertTrue(jotChips(reading).any { it.field == JotField.FRENCH && it.text.contains('5') })
        val id = book.jot("R IJ picc, 5F, xanthochromic").id
        val sheet = book.caseSheet(id).sections.flatMap(SheetSection::fields)
        assertEquals(listOf("5"), sheet.single { it.path == "french" }.texts)
        assertEquals(listOf("picc"), book.caseChoices().procedures)
        val found = book.foundIn("xantho", listOf(id)).getValue(id)
        assertEquals("xanthochromic", found.first(SnippetPiece::found).text)
    }

    @Test
    fun `a change is heard by whoever collects`() = withBook { book ->
        CoreQueue(book).use { queue ->
            runBlocking {
                val heard = async(start = CoroutineStart.UNDISPATCHED) { queue.changes.first() }
                val saved = queue.run { (it as Logbook).jot("picc") }
                assertEquals(listOf(saved.change), heard.await())
                assertEquals(What.CREATED, saved.change.what)
            }
        }
    }

    @Test
    fun `a cancelled coroutine writes nothing`() = withBook { book ->
        val queue = CoreQueue(book)
        assertThrows(CancellationException::class.java) {
            runBlocking {
                cancel()
                queue.run { it.saveJot("picc", JotOptions()) }
            }
        }
        assertEquals(0uL, book.countCases(CaseFilter()))
    }

    @Test
    fun `a queue opens or creates, and says no once it is closed`() = withFolder {
        runBlocking {
            val path = folder.resolve("new").path
            val first = CoreQueue.openOrCreate(path, vault, "this device")
            assertNotNull(first.recoveryCode)
            first.queue.run { it.saveJot("picc", JotOptions()) }
            first.queue.close()
            val second = CoreQueue.openOrCreate(path, vault, "this device")
            assertNull(second.recoveryCode)
            assertEquals(1uL, second.queue.run { it.countCases(CaseFilter()) })
            second.queue.close()
            val late = runCatching { second.queue.run { it.countCases(CaseFilter()) } }
            assertTrue(late.exceptionOrNull() is IllegalStateException)
        }
    }

    @Test
    fun `who opens or creates at the same time shares one book`() = withFolder {
        runBlocking {
            val path = folder.resolve("new").path
            val opened =
                (1..5)
                    .map {
                        async(Dispatchers.IO) {
                            CoreQueue.openOrCreate(path, vault, "this device")
                        }
                    }
                    .awaitAll()
            assertEquals(1, opened.count { it.recoveryCode != null })
            opened.forEach { one -> one.queue.run { it.saveJot("picc", JotOptions()) } }
            assertEquals(5uL, opened.first().queue.run { it.countCases(CaseFilter()) })
            opened.forEach { it.queue.close() }
        }
    }

    @Test
    fun `delete, restore, undo and erase are writes like any other`() = withBook { book ->
        val saved = book.jot("picc, note of the day")
        book.delete(saved.id)
        assertEquals(listOf(saved.id), book.recentlyDeleted().map(DeletedRecord::id))
        assertEquals(What.RESTORED, book.restoreRecord(saved.id)?.what)
        assertEquals(What.DELETED, book.undo(saved.change)?.what)
        book.erase(saved.id)
        assertThrows(LogbookException.NotFound::class.java) { book.case(saved.id) }
    }

    @Test
    fun `a copy carries over who and where, and people come from the record`() = withBook { book ->
        importRotation(book)
        val people = book.people()
        assertTrue(people.any { it.role == StaffRole.ATTENDING })
        val choices = book.recentChoices()
        val original = book.newest().rows.first { it.attending != null }
        val copy = book.case(book.duplicateCase(original.id).id).row
        assertEquals(original.attending, copy.attending)
        assertFalse(copy.hasLesson)
        assertTrue(choices.procedures.isNotEmpty())
    }

    private fun importRotation(book: Logbook) =
        runBlocking { book.importFile(rotation.path, ImportOptions()).finish() }
}
