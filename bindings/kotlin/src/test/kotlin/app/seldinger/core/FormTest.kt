package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class FormTest {
    @Test
    fun `a form is opened, looked over and saved`() = withBook { book ->
        val typed =
            listOf(
                TypedField("procedure", listOf("picc")),
                TypedField("fluoro_min", listOf("9999")),
            )
        val open = book.openForm("case", null)
        val warned = book.lookOver(open, typed).view.sections.flatMap(SectionView::fields)
        assertEquals(
            FormProblem.ABOVE_RANGE,
            warned.single { it.path == "fluoro_min" }.warnings.single().problem,
        )
        val saved = book.saveForm(open, typed)
        assertTrue(saved.warnings.single().text.isNotEmpty())
        assertEquals("picc", book.case(saved.id).row.procedure)
        assertNull(book.saveForm(book.openForm("case", saved.id), typed).change)
    }

    @Test
    fun `a stale form overwrites nothing`() = withBook { book ->
        val id = book.jot("picc").id
        val old = book.openForm("case", id)
        val lesson = { text: String -> listOf(TypedField("lesson", listOf(text))) }
        book.saveForm(book.openForm("case", id), lesson("first"))
        val stale = book.saveForm(old, lesson("second")).stale.single()
        assertEquals("lesson", stale.path)
        assertEquals(listOf("first"), book.openForm("case", id).texts("lesson"))
        val also = book.alsoWritten(id).single()
        assertEquals(
            listOf("second", "first", "here"),
            listOf(also.text, also.shown, also.by.place),
        )
        assertEquals(listOf("first", "second"), also.pieces.map(TextPiece::text))
        assertThrows(LogbookException.ChoiceChanged::class.java) {
            book.settle(id, "lesson", Keep.Shown, "something else")
        }
        book.settle(id, "lesson", Keep.Both(checkNotNull(also.both)), also.seen)
        assertEquals(listOf("first\nsecond"), book.openForm("case", id).texts("lesson"))
        assertTrue(book.alsoWritten(id).isEmpty())
    }

    @Test
    fun `a draft survives reopening and ends with saving`() = withBook { book ->
        val id = book.jot("picc").id
        val draft = book.beginDraft("case", id)
        book.keepDraft(draft.id, listOf(TypedField("lesson", listOf("half a sent"))))
        book.close()
        val again = open()
        val kept = again.drafts().single()
        assertEquals(kept.id, again.draftOf("case", id)?.id)
        val form = again.openDraft(kept.id)
        assertEquals(listOf("half a sent"), form.texts("lesson"))
        again.saveForm(form, again.draft(kept.id).typed)
        assertTrue(again.drafts().isEmpty())
        assertEquals(listOf("half a sent"), again.openForm("case", id).texts("lesson"))
        assertThrows(LogbookException.NoDraft::class.java) {
            again.keepDraft(draft.id, emptyList())
        }
    }

    @Test
    fun `history tells what a field held, the present first`() = withBook { book ->
        val id = book.jot("picc").id
        listOf("first", "second").forEach {
            val typed = listOf(TypedField("lesson", listOf(it)))
            book.saveForm(book.openForm("case", id), typed)
        }
        val versions = book.history(id, "lesson").mapNotNull(FieldVersion::valueJson)
        assertEquals(listOf("\"second\"", "\"first\""), versions)
    }

    @Test
    fun `a debrief has its two minutes`() = withBook { book ->
        val draft = book.beginDebrief(book.jot("picc").id)
        val timer = book.debriefTimer(draft.id)
        assertEquals(DebriefPhase.WRITING, timer.phase)
        assertTrue(timer.leftS in 1u..120u)
        book.dropDraft(draft.id)
        assertTrue(book.drafts().isEmpty())
    }

    @Test
    fun `a draft of a line is dropped when the line is saved`() = withBook { book ->
        val draft = book.beginDraft("jot", null)
        book.keepDraft(draft.id, listOf(TypedField("jot", listOf("pic"))))
        val performed = Moment(1_791_000_000_000, (-300).toShort())
        book.saveJot("picc", JotOptions(performed = performed, draft = draft.id))
        assertTrue(book.drafts().isEmpty())
        assertEquals(1_791_000_000_000, book.newest().rows.single().performed.utc)
    }

    @Test
    fun `a typed time has the offset of its own day, and names are told that nobody has`() =
        withBook { book ->
            assertTrue(book.setZone("America/New_York"))
            val typed = JotOptions(performedTyped = "2026-07-04 8:00 am")
            assertTrue(book.saveJot("picc", typed).warnings.isEmpty())
            assertEquals((-240).toShort(), book.newest().rows.single().performed.offsetMin)
            val skipped = book.readTime("2026-03-08 02:30")?.warning
            assertEquals(FormProblem.CLOCK_SKIPPED, skipped?.problem)
            assertFalse(book.setZone("Mars/Olympus"))
            val nobodys = CaseFilter(attending = "Nobody", procedures = listOf("PICC"))
            val list = book.caseList(nobodys, CaseSort.NEWEST, null)
            assertEquals(0uL, list.count)
            assertTrue(list.page.days.isEmpty())
            assertTrue(list.told.single().line.contains("Nobody"))
        }
}
