package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import java.io.RandomAccessFile
import kotlin.random.Random

class ErrorTest {
    private inline fun <reified T : LogbookException> assertFails(noinline call: () -> Unit): T {
        val error = assertThrows(T::class.java) { call() }
        assertHasWords(error)
        return error
    }

    /** What has no words shows its key in their place. */
    private fun assertHasWords(error: LogbookException) {
        val words = error.wording.what
        assertTrue(words.isNotEmpty() && !words.startsWith("logbook."), "no words for $error")
    }

    @Test
    fun `what the vault says is told`() = withBook { book ->
        book.close()
        vault.failure = KeyVaultException.Locked()
        assertFails<LogbookException.KeyLocked> { open() }
        vault.failure = KeyVaultException.Cancelled()
        assertFails<LogbookException.KeyCancelled> { open() }
        vault.failure = KeyVaultException.WrongPassphrase()
        assertFails<LogbookException.WrongKey> { open() }
        vault.failure = KeyVaultException.Unavailable()
        assertFails<LogbookException.KeyUnavailable> { open() }
        vault.failure = IllegalStateException("a mistake in the shell")
        assertFails<LogbookException.KeyUnavailable> { open() }
        vault.failure = null
        open()
    }

    @Test
    fun `every error has its words`() {
        val id = RecordId("01890000-0000-7000-8000-000000000000")
        listOf(
            LogbookException.KeyLocked(),
            LogbookException.KeyCancelled(),
            LogbookException.KeyMissing(),
            LogbookException.KeyUnavailable(),
            LogbookException.WrongKey(),
            LogbookException.NoBook(),
            LogbookException.BookExists(),
            LogbookException.PartMissing(MissingPart.DATABASE),
            LogbookException.Damaged(DamagedPart.PAGE),
            LogbookException.NewerSchema(2u, 1u),
            LogbookException.OlderSchema(1u, 2u),
            LogbookException.CannotRead(),
            LogbookException.NoRoomToRead(),
            LogbookException.DiskFull(),
            LogbookException.ReadOnly(),
            LogbookException.Busy(),
            LogbookException.NoFile(),
            LogbookException.Io(),
            LogbookException.Storage(7),
            LogbookException.NotFound(id),
            LogbookException.NoDraft(),
            LogbookException.NothingToChoose(),
            LogbookException.ChoiceChanged(),
            LogbookException.NotAnId(),
            LogbookException.NotADay(),
            LogbookException.Cancelled(),
            LogbookException.BadBackup(),
            LogbookException.FormerBackup(),
            LogbookException.ForgedBackup(),
            LogbookException.CodeNotKept(),
            LogbookException.CodeTooOld(),
            LogbookException.FilesMoved(),
            LogbookException.NothingTyped(),
            LogbookException.NotInOne(),
            LogbookException.CodeDiffers(),
            LogbookException.NotACode(),
            LogbookException.BadLine(3uL, LineProblem.AT),
            LogbookException.UnknownDefinition(),
            LogbookException.NotAPage(),
        ).forEach(::assertHasWords)
    }

    @Test
    fun `a vault that fails makes no book`() = withFolder {
        vault.failure = KeyVaultException.Unavailable()
        assertFails<LogbookException.KeyUnavailable> { create() }
        assertFails<LogbookException.NoBook> { open() }
        vault.failure = null
        create()
    }

    @Test
    fun `a missing part is named, and nothing is made in its place`() = withBook { book ->
        book.jot("picc")
        book.close()
        val away = file("away")
        assertTrue(file("book.db").renameTo(away))
        val before = file("book.key").readBytes()
        listOf({ open() }, { create() }, { openOrCreate() }).forEach { start ->
            val missing = assertFails<LogbookException.PartMissing> { start() }
            assertEquals(MissingPart.DATABASE, missing.part)
        }
        assertTrue(before.contentEquals(file("book.key").readBytes()))
        assertTrue(backupsIn(path).isEmpty())
        assertTrue(away.renameTo(file("book.db")))
        assertEquals(1uL, openOrCreate().countCases(CaseFilter()))
    }

    @Test
    fun `a missing key is no wrong key`() = withBook { book ->
        book.close()
        val (name, secret) = vault.secrets.entries.single().toPair()
        vault.remove(name)
        assertFails<LogbookException.KeyMissing> { open() }
        vault.store(name, Random.nextBytes(secret.size))
        assertFails<LogbookException.WrongKey> { open() }
        vault.store(name, byteArrayOf(1, 2, 3))
        assertFails<LogbookException.WrongKey> { open() }
        vault.store(name, secret)
        open()
    }

    @Test
    fun `no book, and a book already`() = withFolder {
        assertFails<LogbookException.NoBook> { open() }
        create()
        assertFails<LogbookException.BookExists> { create() }
    }

    @Test
    fun `damage is told by its part, and the file is left alone`() {
        mapOf(
            5L to DamagedPart.HEADER,
            3 * 4096L + 100 to DamagedPart.PAGE,
        ).forEach { (at, part) ->
            withBook { book ->
                repeat(30) { book.jot("picc") }
                book.close()
                flip("book.db", at)
                val before = file("book.db").readBytes()
                val damaged =
                    assertFails<LogbookException.Damaged> {
                        open().run { newest().rows.forEach { case(it.id) } }
                    }
                assertEquals(part, damaged.part)
                assertTrue(before.contentEquals(file("book.db").readBytes()))
            }
        }
        withBook { book ->
            book.close()
            listOf("book.key", "book.key.copy").forEach { flip(it, 30) }
            assertEquals(
                DamagedPart.KEY_FILE,
                assertFails<LogbookException.Damaged> { open() }.part,
            )
        }
    }

    private fun TestBook.flip(name: String, at: Long) = RandomAccessFile(file(name), "rw").use {
        it.seek(at)
        val byte = it.read()
        it.seek(at)
        it.write(byte xor 1)
    }

    @Test
    fun `a book of a later version is not touched`() {
        val (name, hex) = stage.resolve("later/vault.txt").readLines()
        val vault = MemoryVault()
        vault.store(name, hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray())
        val newer =
            assertFails<LogbookException.NewerSchema> {
                Logbook.open(stage.resolve("later").path, vault, "this device")
            }
        assertEquals(4711u, newer.found)
        assertTrue(newer.wording.line.contains("4711"))
    }

    @Test
    fun `what is not there is named`() = withBook { book ->
        val absent = RecordId("01890000-0000-7000-8000-000000000000")
        assertEquals(absent, assertFails<LogbookException.NotFound> { book.case(absent) }.id)
        assertFails<LogbookException.NotFound> { book.delete(absent) }
        assertFails<LogbookException.NoDraft> { book.draft(DraftId(absent.text)) }
        assertFails<LogbookException.UnknownDefinition> { book.openForm("poem", null) }
        assertFails<LogbookException.NoFile> {
            book.importFile(folder.resolve("absent").path, ImportOptions())
        }
        assertFails<LogbookException.NoFile> {
            book.exportFile(folder.resolve("no/such.csv").path, ExportFormat.CSV, ExportOptions())
        }
        assertFails<LogbookException.Io> {
            book.importFile(folder.path, ImportOptions()).use(ImportJob::step)
        }
    }

    /** A folder that takes no files, not even from root. */
    @Test
    @EnabledOnOs(OS.LINUX)
    fun `a place that nobody may write to is told`() = withBook { book ->
        assertFails<LogbookException.ReadOnly> {
            book.exportFile("/dev/pts/out.csv", ExportFormat.CSV, ExportOptions())
        }
    }

    @Test
    fun `what is no id and no day is told`() = withBook { book ->
        assertFails<LogbookException.NotAnId> { book.case(RecordId("P1")) }
        assertFails<LogbookException.NotAnId> { book.openDraft(DraftId("")) }
        assertFails<LogbookException.NotADay> { book.countCases(CaseFilter(from = "someday")) }
    }

    @Test
    fun `a scheme of goals that cannot be read says where`() {
        val bad =
            assertThrows(ContentException.NoSuchId::class.java) {
                readGoalScheme(ABSENT, "mine.toml")
            }
        assertEquals("mine.toml" to 7u, bad.place.file to bad.place.line)
        assertTrue(bad.wording.line.isNotEmpty())
    }

    @Test
    fun `an observer that throws loses nothing`() = withBook { book ->
        var called = 0
        book.observe(
            object : ChangeObserver {
                override fun changed(changes: List<Change>) {
                    called++
                    error("a mistake in the shell")
                }
            },
        )
        val saved = book.jot("picc")
        assertEquals(1, called)
        assertEquals(saved.id, book.newest().rows.single().id)
    }

    @Test
    fun `a call after closing is told, not a crash`() = withBook { book ->
        book.close()
        book.close()
        assertThrows(IllegalStateException::class.java) { book.newest() }
    }

    @Test
    fun `half a character loses nothing else`() = withBook { book ->
        assertEquals("picc ? left", book.readJot("picc \uD83D left").text)
    }

    /** A panic would come as [InternalException]. */
    @Test
    fun `odd texts are read or refused, and nothing panics`() = withBook { book ->
        val odd =
            listOf(
                "", " ", "\u0000", "\uD800", "%", "\"", "'; --", "(NEAR",
                "é".repeat(
                    20_000,
                ),
                "9".repeat(400),
            )
        odd.forEach { text ->
            refusedAtMost { book.readJot(text) }
            refusedAtMost { book.jot(text) }
            refusedAtMost { book.search(text, text, -1) }
            refusedAtMost {
                book.cases(CaseFilter(text = text, tag = text), CaseSort.NEWEST, text)
            }
            refusedAtMost { book.case(RecordId(text)) }
            refusedAtMost { book.history(RecordId(text), text) }
            refusedAtMost { book.beginDraft(text, null) }
            refusedAtMost {
                val week = CaseFilter(week = IsoWeek(Int.MAX_VALUE, 99u))
                book.tally(week, null).use(TallyJob::step)
            }
            refusedAtMost {
                val performed = Moment(Long.MAX_VALUE, Short.MIN_VALUE)
                book.saveJot(text, JotOptions(listOf(JotField.SIDE), performed))
            }
            refusedAtMost {
                book.saveForm(
                    book.openForm("case", null),
                    listOf(TypedField(text, listOf(text))),
                )
            }
            identifiersIn(text)
            findProcedures(text)
        }
        book.newest()
    }

    private fun refusedAtMost(call: () -> Unit) {
        try {
            call()
        } catch (_: LogbookException) {
            // A refusal is an answer.
        }
    }

    private companion object {
        val ABSENT =
            """
            id = "mine"
            name = "My goals"
            source = "me"
            [[goal]]
            id = "1"
            label = "Poems"
            any_of = ["poem"]
            """.trimIndent()
    }
}
