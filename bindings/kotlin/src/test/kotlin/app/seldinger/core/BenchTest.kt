package app.seldinger.core

import org.junit.jupiter.api.Tag
import org.junit.jupiter.api.Test
import java.util.Locale

/** Measures the calls that a screen waits for, as medians; see tests/bench/README.md. */
@Tag("bench")
class BenchTest {
    @Test
    fun calls() = withBook { book ->
        val lines = stage.resolve("jots.txt").readLines()
        // Warm, so that neither compiler nor library is measured.
        repeat(200) { book.jot(lines[it % lines.size]) }
        measure("save", 1_000) { book.jot(lines[it % lines.size]) }
        val words = listOf("picc", "okafor", "fluoro", "ultrasound gu", "no comp")
        repeat(2) { round ->
            // The first round warms.
            val name = "search".takeIf { round > 0 }
            measure(name, 500) { book.search(words[it % words.size], "case", null) }
            measure("first_page".takeIf { round > 0 }, 500) { book.newest() }
        }
        measure("open", 50) { open().close() }
    }

    private fun measure(name: String?, times: Int, call: (Int) -> Unit) {
        val micros =
            List(times) {
                val begun = System.nanoTime()
                call(it)
                (System.nanoTime() - begun) / 1000.0
            }
        name?.let {
            println("BENCH kotlin_$it %.1f".format(Locale.ROOT, micros.sorted()[times / 2]))
        }
    }
}
