package app.seldinger.core

import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test
import java.io.File
import java.util.Locale

/** Measures the calls that a screen waits for, as medians; see tests/bench/README.md. */
@Tag("bench")
class BenchTest {
    @Test
    fun calls() {
        TestBook(memory ?: File(System.getProperty("java.io.tmpdir"))).use { measure(it) }
    }

    private fun measure(test: TestBook) {
        val book = test.create()
        val lines = stage.resolve("jots.txt").readLines()
        val line = { n: Int -> lines[n % lines.size] }
        repeat(1_200) { book.saveJot(line(it), performed(it)) }
        measure("nothing", 5_000) { book.codeGroups() }
        measure("read_jot", 5_000) { book.readJot(line(it)) }
        measure("first_page", 1_000) { book.newest() }
        val words = listOf("drain", "okafor", "fluoro", "us r", "lindqvist")
        measure("search", 1_000) { book.search(words[it % words.size], "case", null) }
        measure("save", 1_000) { book.jot(line(it)) }
        measure("open", 100) { test.open().close() }
    }

    /** A disk that takes no time, where there is one. */
    private val memory = File("/dev/shm").takeIf(File::isDirectory)

    /** Five cases a day from 2025-01-01 on. */
    private fun performed(n: Int) =
        JotOptions(performed = Moment(1_735_689_600_000 + n * 17_280_000L, 0))

    /** The lowest median of five rounds: the one that was disturbed least. */
    private fun measure(name: String, times: Int, call: (Int) -> Unit) {
        val least = List(5) { median(times, call) }.min()
        println("BENCH kotlin_$name %.2f".format(Locale.ROOT, least))
    }

    private fun median(times: Int, call: (Int) -> Unit): Double {
        val micros =
            List(times) {
                val begun = System.nanoTime()
                call(it)
                (System.nanoTime() - begun) / 1000.0
            }
        return micros.sorted()[times / 2]
    }
}
