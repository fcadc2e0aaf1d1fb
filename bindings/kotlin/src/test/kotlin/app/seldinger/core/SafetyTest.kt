package app.seldinger.core

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Backup, restore, verification and keys. */
class SafetyTest {
    private inline fun <reified T : LogbookException> assertFails(
        crossinline work: suspend () -> Unit,
    ) {
        assertThrows(T::class.java) { runBlocking { work() } }
    }

    @Test
    fun `a backup is restored into another folder and vault`() = withBook { book ->
        runBlocking {
            val id = book.jot("picc").id
            val file = folder.resolve("book.backup").path
            val report = book.backupFile(file, "correct horse").finish()
            assertTrue(report.bytes > 0uL)
            assertFails<LogbookException.WrongKey> {
                restore(this@withBook, file, "wrong horse", "other").finish()
            }
            val restored = restored(this@withBook, file, "correct horse")
            assertEquals(1uL, restored.records)
            assertNull(restored.replaced)
            val other = folder.resolve("other").path
            Logbook.open(other, vault, "another device").use {
                assertEquals(id, it.newest().rows.single().id)
                assertFails<LogbookException.Busy> {
                    restore(this@withBook, file, "correct horse", "other").finish()
                }
            }
            assertNotNull(restored(this@withBook, file, "correct horse").replaced)
        }
    }

    @Test
    fun `what a restore replaces is told before it does`() = withBook { book ->
        runBlocking {
            val file = folder.resolve("book.backup").path
            book.jot("picc")
            book.backupFile(file, "correct horse").finish()
            restored(this@withBook, file, "correct horse")
            val other = folder.resolve("other").path
            Logbook.open(other, vault, "another device").use { it.jot("port") }
            restore(this@withBook, file, "correct horse", "other").finish().use { ready ->
                val outlook = ready.outlook()
                assertEquals(1uL to 0u, outlook.records to outlook.days)
                val newer = outlook.replaced as ReplacedBook.Readable
                assertEquals(1uL to 0uL, newer.added to newer.changed)
                assertTrue(restoreWording(outlook).what.contains("Written since: 1."))
            }
            Logbook.open(other, vault, "another device").use {
                assertEquals(2, it.newest().rows.size, "it was let go of")
            }
        }
    }

    @Test
    fun `a recovery code opens a backup that has no passphrase`() = withBook { book ->
        runBlocking {
            val code = book.unconfirmedCode()
            book.jot("picc")
            val file = checkNotNull(book.automaticBackup()).finish().file
            assertNull(book.automaticBackup())
            assertEquals(1uL, restored(this@withBook, file, code).records)
        }
    }

    @Test
    fun `what is no backup is told`() = withBook { book ->
        val file = folder.resolve("poem.txt").apply { writeText("roses are red") }.path
        assertFails<LogbookException.BadBackup> { restore(this, file, "secret", "other").finish() }
        assertFails<LogbookException.NoFile> {
            restore(this, "$file.no", "secret", "other").finish()
        }
        assertTrue(book.newest().rows.isEmpty())
    }

    @Test
    fun `a verification reads everything`() = withBook { book ->
        book.jot("picc")
        val report = runBlocking { book.verify().finish() }
        assertEquals(1uL, report.records)
        assertEquals(0uL to 0uL, report.badPages to report.badRecords)
        assertTrue(report.pages > 0uL && report.damaged.isEmpty())
    }

    @Test
    fun `a key is changed, lost and brought back`() = withBook { book ->
        val path = folder.resolve("book").path
        val old = book.unconfirmedCode()
        book.jot("picc")
        book.close()
        val name = vault.secrets.keys.single()
        runBlocking {
            changeKey(path, vault).finish().use { assertNotEquals(old, it.recoveryCode()) }
        }
        assertEquals(name, vault.secrets.keys.single(), "it was let go of")
        open().use { assertEquals(old, it.unconfirmedCode()) }
        val code =
            runBlocking {
                changeKey(path, vault).finish().use { change ->
                    change.recoveryCode().also { change.putInForce() }
                }
            }
        assertNotEquals(name, vault.secrets.keys.single())
        vault.secrets.clear()
        assertFails<LogbookException.KeyMissing> { open() }
        assertFails<LogbookException.NotACode> { recoverKey(path, "a poem", vault) }
        assertFails<LogbookException.WrongKey> { recoverKey(path, old, vault) }
        recoverKey(path, code, vault)
        val again = open()
        assertEquals(1, again.newest().rows.size)
        assertEquals(code, again.unconfirmedCode())
    }

    private suspend fun restored(test: TestBook, file: String, secret: String): RestoreReport =
        restore(test, file, secret, "other").finish().use { it.putInPlace() }

    private fun restore(test: TestBook, file: String, secret: String, folder: String): RestoreJob =
        restoreBackup(file, secret, test.folder.resolve(folder).path, test.vault)
}
