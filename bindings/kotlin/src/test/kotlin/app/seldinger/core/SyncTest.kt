package app.seldinger.core

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SyncTest {
    private val feed = SyncFeed()

    private fun TestBook.begin(book: Logbook) = SyncService.begin(book, "Test", null, feed)

    @Test
    fun `a book of one device shows no badge`() = withBook { book ->
        begin(book).use { sync ->
            val status = runBlocking { feed.statuses(sync).first() }
            assertEquals(SyncState.Alone to "", status.state to status.text)
            assertNull(sync.joining())
            assertTrue(book.peers().isEmpty())
        }
    }

    @Test
    fun `a code that is none is told`() = withBook { book ->
        begin(book).use { sync ->
            val bad =
                assertThrows(SyncException.Code::class.java) { sync.join("picc, assisted", null) }
            assertEquals(CodeError.NotACode, bad.error)
            assertTrue(bad.wording.line.isNotEmpty())
            assertThrows(SyncException::class.java) { sync.revoke("nobody", "Nobody") }
        }
    }

    @Test
    fun `where nobody answers, joining fails and says so`() = withBook { book ->
        begin(book).use { sync ->
            sync.join(code(sync), "127.0.0.1:1")
            val failed =
                runBlocking { feed.watch(sync::joining).first { it is JoinView.Failed } }
            assertTrue((failed as JoinView.Failed).told.line.isNotEmpty())
        }
    }

    /** A code as another device would show it. */
    private fun code(sync: SyncService): String {
        val port = sync.listen("127.0.0.1:0")
        return checkNotNull(sync.openWindow(listOf("127.0.0.1:$port")).code)
    }

    @Test
    fun `two books exchange what they have by files`() = withBook { book ->
        book.jot("picc")
        withBook { other ->
            val file = folder.resolve("bundle").path
            val taken =
                runBlocking {
                    val made = book.makeBundle(file, BundleTo.Stranger, "One").finish()
                    other.takeBundle(file, made.code).finish()
                }
            assertEquals(listOf(taken.name), other.peers().map(Peer::name))
            assertEquals(book.newest().rows, other.newest().rows)
        }
    }

    @Test
    fun `a window opens only where somebody listens`() = withBook { book ->
        begin(book).use { sync ->
            assertThrows(SyncException.Link::class.java) { sync.openWindow(emptyList()) }
            code(sync)
            assertEquals(PairingView.OPEN, sync.window()?.state)
            assertEquals(DigitsAnswer.NobodyWaits, sync.typeDigits("123456"))
            sync.closeWindow()
            assertEquals(PairingView.CLOSED, sync.window()?.state)
        }
    }
}
