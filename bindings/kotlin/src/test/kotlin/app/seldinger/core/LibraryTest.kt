package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class LibraryTest {
    @Test
    fun `every procedure has an article with its half minute, sections and sources`() {
        procedures().forEach { procedure ->
            val article = article(ArticleKind.PROCEDURE, procedure.id)
            assertNotNull(article, procedure.id)
            assertTrue(article!!.brief.size in 3..5)
            assertEquals(10, article.sections.size)
            assertEquals(procedure.bleedingRisk, article.risk?.`class`)
            val cited = article.sections.flatMap(ArticleSection::entries).map { it.source.toInt() }
            assertTrue(cited.all { it <= article.sources.size })
            assertTrue(article.localPolicy.isNotEmpty())
        }
        assertNull(article(ArticleKind.PROCEDURE, "none"))
        assertEquals(10, imagingArticles().size)
    }

    @Test
    fun `a procedure shows the user's notes and cases`() = withBook { book ->
        book.jot("para, 4 L, assisted")
        val form = book.openForm("procedure_note", null)
        val typed =
            listOf(
                TypedField("procedure", listOf("paracentesis")),
                TypedField("note", listOf("color Doppler on, every time")),
            )
        book.saveForm(form, typed)
        val page = book.procedurePage("paracentesis")
        assertEquals(listOf("color Doppler on, every time"), page.notes.map(ProcedureNote::text))
        assertEquals(1uL, page.caseCount)
        assertEquals("paracentesis", page.cases.single().procedure)
        assertFalse(page.toString().contains("Doppler on, every"))
        val found = book.find("doppler", null)
        assertTrue(found.articles.any { it.id == "paracentesis" })
        assertEquals(listOf("procedure_note"), found.records.hits.map(SearchHit::kind))
    }

    @Test
    fun `findings and reads grow by week`() = withBook { book ->
        val finding =
            listOf(
                TypedField("region", listOf("liver")),
                TypedField("finding", listOf("replaced right hepatic artery")),
                TypedField("read_as", listOf("alone")),
            )
        book.saveForm(book.openForm("imaging_finding", null), finding)
        val read = listOf(TypedField("title", listOf("caudate lobe")))
        book.saveForm(book.openForm("daily_read", null), read)
        assertEquals(ReadAs.ALONE, book.imagingFindings(null).rows.single().readAs)
        val week = book.imagingGrowth().single()
        assertEquals(listOf(ReadAs.ALONE), week.findings)
        assertEquals(1u, week.reads)
        assertEquals(listOf("liver"), week.newRegions)
        assertEquals("caudate lobe", book.recordsOf("daily_read", null, null).names.single().name)
    }
}
