package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ConsultTest {
    private fun typed(path: String, text: String) = TypedField(path, listOf(text))

    private val filled =
        listOf(
            typed("age_band", "60s"),
            typed("sex", "M"),
            typed("requesting_service", "nephrology"),
            typed("question", "Tunneled HD line today, K 6.4"),
            typed("procedure", "dialysis-catheter"),
            typed("labs.inr", "2.9"),
        )

    @Test
    fun `a consult is filled, presented and becomes a case`() = withBook { book ->
        val open = book.openForm("consult-vascular_access", null)
        val view = book.lookOverConsult(open, filled)
        val inr = view.labs.flags.single { it.path == "labs.inr" }
        assertEquals(LabStanding.BORDERLINE, inr.standing)
        assertTrue(view.labs.localPolicy.isNotEmpty())
        val said = view.presentation
        assertEquals("A man in his 60s.", said.parts.first().text)
        assertTrue(said.text.contains("Nephrology asks for a tunneled dialysis line today"))
        val flagged = said.parts.flatMap(PresentationPart::pieces).single { it.flag != null }
        assertEquals("INR 2.9", flagged.text)
        assertTrue(said.missing.contains("Access") && said.speakingTimeS > 0u)

        val id = book.saveForm(open, filled).id
        assertEquals(view, book.consult(id))
        assertEquals(listOf(id), book.consults(null).rows.map { it.name.id })
        val case = book.beginCaseFromConsult(id)
        assertEquals(listOf("dialysis-catheter"), case.texts("procedure"))
        val draft = book.draft(case.draft!!)
        val saved = book.saveForm(case, draft.typed).id
        assertEquals(listOf(saved), book.casesOfConsult(id).map(RecordName::id))
        assertEquals(id, book.consultOfCase(saved)?.id)
        book.linkCase(saved, null)
        assertNull(book.consultOfCase(saved))
    }

    @Test
    fun `a form renders from its definition alone, the user's own too`() = withBook { book ->
        assertEquals(5, book.consultTemplates().size)
        val own = book.copyTemplate("consult-paracentesis").id
        book.changeTemplate(own, TemplateChange.Rename("Night tap"))
        book.changeTemplate(own, TemplateChange.Add("Depth", FieldToAdd.NUMBER, "cm"))
        val template = book.consultTemplates().last()
        assertEquals(own, template.own)
        val form = book.openForm(template.form, null)
        assertEquals("Night tap", form.view.title)
        val fields = form.view.sections.flatMap(SectionView::fields)
        assertTrue(fields.all { it.label.isNotEmpty() })
        assertEquals("cm", fields.single { it.path == "own.depth" }.unit)
        val id = book.saveForm(form, listOf(typed("own.depth", "2"))).id
        assertEquals(template.form, book.recordSheet(id).form)

        val broken = book.saveTemplate(own, "id = 7")
        assertTrue(broken.problem!!.what.contains("line 1"))
        assertEquals("Consult: paracentesis", book.openForm(template.form, null).view.title)
        val other = book.switchConsult(form, listOf(typed("question", "Drain?")), "consult-drain")
        assertEquals(listOf("Drain?"), other.texts("question"))
    }

    @Test
    fun `wording of one's own is used or told what is wrong with it`() = withBook { book ->
        val shipped = book.presentationWording()
        assertNull(shipped.own)
        val id = book.saveForm(book.openForm("consult-general", null), listOf(typed("sex", "F"))).id
        val mine = shipped.text.replace("\"A woman\"", "\"A lady\"")
        assertNull(book.savePresentationWording(mine).problem)
        assertEquals("A lady.", book.consult(id).presentation.text)
        val broken = book.savePresentationWording("title = 'x'")
        assertNotNull(broken.problem)
        assertEquals("A woman.", book.consult(id).presentation.text)
        assertFalse(book.consult(id).toString().contains("woman"))
    }
}
