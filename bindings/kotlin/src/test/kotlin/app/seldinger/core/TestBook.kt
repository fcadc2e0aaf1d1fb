package app.seldinger.core

import java.io.File
import java.nio.file.Files
import java.util.concurrent.ConcurrentHashMap

/** Keys in memory; [failure] is thrown by every call until it is taken away again. */
class MemoryVault : KeyVault {
    val secrets = ConcurrentHashMap<String, ByteArray>()

    @Volatile
    var failure: Exception? = null

    override fun load(name: String): ByteArray? {
        failure?.let { throw it }
        return secrets[name]
    }

    override fun store(name: String, secret: ByteArray) {
        failure?.let { throw it }
        secrets[name] = secret
    }

    override fun remove(name: String) {
        failure?.let { throw it }
        secrets.remove(name)
    }
}

/** A folder for one book, gone in the end. */
class TestBook(parent: File = File(System.getProperty("java.io.tmpdir"))) : AutoCloseable {
    val folder: File = Files.createTempDirectory(parent.toPath(), "seldinger").toFile()
    val vault = MemoryVault()
    val path: String = folder.resolve("book").path
    private val opened = mutableListOf<Logbook>()

    fun create(): Logbook = Logbook.create(path, vault, "this device").also(opened::add)

    fun open(): Logbook = Logbook.open(path, vault, "this device").also(opened::add)

    fun openOrCreate(): Logbook = Logbook.openOrCreate(path, vault, "this device").also(opened::add)

    /** The book's own file of this name. */
    fun file(name: String): File = File(path, name)

    override fun close() {
        opened.forEach(Logbook::close)
        folder.deleteRecursively()
    }
}

/** A new book for [test]. Gives nothing, as JUnit passes over tests that give something. */
fun withBook(test: TestBook.(Logbook) -> Unit) = withFolder { test(create()) }

/** A folder without a book for [test]. */
fun withFolder(test: TestBook.() -> Unit) = TestBook().use(test)

/** Saves a line as it is typed. */
fun Logbook.jot(text: String): SavedJot = saveJot(text, JotOptions())

/** The first page of every case, newest first. */
fun Logbook.newest(): CasePage = cases(CaseFilter(), CaseSort.NEWEST, null)

/** Every row, day after day. */
val CasePage.rows: List<CaseRow> get() = days.flatMap(CaseDay::rows)

/** Where the library and the files to test with are. */
val stage: File = File(System.getProperty("seldinger.stage"))

/** The sample rotation. */
val rotation: File = stage.resolve("rotation.jsonl")

/** What a form that was opened says at [path]. */
fun OpenForm.texts(path: String): List<String> =
    view.sections.flatMap(SectionView::fields).single { it.path == path }.values
