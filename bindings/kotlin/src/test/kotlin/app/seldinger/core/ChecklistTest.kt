package app.seldinger.core

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ChecklistTest {
    private fun ChangedRun.item(id: String) = run.items.single { it.id == id }

    @Test
    fun `lists and stages come from the core`() {
        assertEquals(
            listOf("before", "during", "after", "daily"),
            checklists().map(Checklist::id),
        )
        assertEquals(26, checklists().sumOf { it.items.size })
        assertEquals(6, procedureStages().size)
        assertTrue(procedureStages().any { it.questions == Questions.SILENCE })
    }

    @Test
    fun `a run is ticked, skipped, stamped and survives the end of the app`() = withBook { book ->
        val case = book.jot("nephrostomy, Okafor, scrubbed").id
        val begun = book.beginRun("during", null, case)
        val id = begun.run.row.id
        assertEquals("nephrostomy", begun.run.row.procedure)
        val ticked = book.tickItems(id, listOf("S-62", "S-63"))
        assertEquals(ItemState.TICKED, ticked.item("S-62").state)
        assertNull(book.tickItems(id, listOf("S-62")).change)
        val skipped = book.skipItem(id, "S-63", "Not scrubbed").item("S-63")
        assertEquals(ItemState.SKIPPED to "Not scrubbed", skipped.state to skipped.reason)
        book.unskipItem(id, "S-63")
        val timeout = book.stampStage(id, "timeout", "12:40").run
        assertEquals("12:40", timeout.stages.single { it.state == StageState.HERE }.time)
        assertEquals(Questions.SILENCE, timeout.questions?.timing)
        assertEquals(Questions.PAUSE, book.sayCalm(id).run.questions?.timing)
        assertEquals(Questions.SILENCE, book.sayTense(id).run.questions?.timing)
        book.close()

        val again = open()
        val row = again.checklistRuns(null).open.single()
        assertEquals(id to 1u, row.id to row.ticked)
        val undone = again.untickItem(id, "S-62").change
        again.undo(checkNotNull(undone))
        assertEquals("access", again.checklistRun(id).next?.id)
        assertEquals(0, again.unstampStage(id, "timeout").run.stages.count { it.at != null })
        assertTrue(again.finishRun(id).run.finished.isNotEmpty())
        assertTrue(again.checklistRuns(null).open.isEmpty())
        assertTrue(again.reopenRun(id).run.finished.isEmpty())
    }

    @Test
    fun `a case shows its stages and runs`() = withBook { book ->
        val case = book.jot("picc").id
        val run = book.beginRun("during", "PICC placement", null).run.row.id
        assertEquals(listOf(case), book.casesForRun(run).map(CaseRow::id))
        book.linkRun(run, case)
        book.stampStage(run, "access", null)
        book.writeStages(case, listOf(TypedField("consent", listOf("12:05"))))
        val timeline = book.caseTimeline(case)
        assertEquals(listOf(run), timeline.runs.map(RunRow::id))
        assertEquals(
            listOf("consent", "access"),
            timeline.stages.filter { it.at != null }.map(RunStage::id),
        )
        assertThrows(LogbookException.NotFound::class.java) { book.checklistRun(case) }
        assertThrows(LogbookException.UnknownDefinition::class.java) {
            book.beginRun("between", null, null)
        }
    }

    @Test
    fun `the runs of the sample rotation open`() = withBook { book ->
        runBlocking { book.importFile(rotation.path, ImportOptions()).finish() }
        val rows = book.checklistRuns(null).days.flatMap(RunDay::rows)
        assertEquals(6, rows.size)
        val during = book.checklistRun(rows.single { it.checklist == "during" }.id)
        assertEquals("hemostasis" to "13:18", during.stages.last().let { it.id to it.time })
    }
}
