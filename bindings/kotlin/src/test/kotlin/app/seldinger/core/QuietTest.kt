package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Nothing that a user wrote is printed by what holds it. */
class QuietTest {
    private val canary = "quetzalcanary"

    @Test
    fun `types that hold notes print their name`() = withBook { book ->
        val reading = book.readJot("picc, $canary")
        val saved = book.jot(reading.text)
        val typed = listOf(TypedField("lesson", listOf(canary)))
        val draft = book.keepDraft(book.beginDraft("case", saved.id).id, typed)
        val form = book.openDraft(draft.id)
        book.saveForm(form, typed)
        val holders =
            listOf(
                saved,
                reading,
                reading.values,
                draft,
                form,
                form.view,
                typed.single(),
                book.case(saved.id),
                book.newest(),
                book.newest().days.single(),
                book.newest().rows.single(),
                book.search(canary, null, null),
                book.search(canary, null, null).hits.single(),
                book.search(canary, null, null).hits.single().pieces,
                book.history(saved.id, "lesson"),
                book.drafts(),
            )
        holders.forEach { assertFalse(it.toString().contains(canary), it.javaClass.name) }
        assertTrue(book.case(saved.id).fieldsJson.contains(canary))
        assertEquals("CaseRow", book.newest().rows.single().toString())
    }

    @Test
    fun `an id prints itself`() = assertEquals("P1", RecordId("P1").toString())
}
