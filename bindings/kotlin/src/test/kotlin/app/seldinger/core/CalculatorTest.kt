package app.seldinger.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class CalculatorTest {
    private val labs =
        listOf(
            TypedField("bilirubin_mg_dl", listOf("106 µmol/L")),
            TypedField("inr", listOf("1.4")),
            TypedField("creatinine_mg_dl", listOf("1")),
        )

    @Test
    fun `every calculator has a form that is drawn from its definition`() {
        val all = calculators()
        assertTrue(all.map(Calculator::id).containsAll(listOf("meld3", "sir2019", "dap_convert")))
        all.forEach { one ->
            val fields = calculatorForm(one.id, emptyList()).sections.flatMap(SectionView::fields)
            assertEquals(one.inputs.map(CalculatorInput::name), fields.map(FieldView::path))
        }
        val filled = calculatorForm("meld", labs).sections.single().fields
        assertEquals(listOf("106 µmol/L"), filled.first().values)
    }

    @Test
    fun `a result carries source, inputs and whose word counts`() {
        val meld = calculate("meld", labs)
        assertEquals(CalculatorValue.Number(17.0), meld.values.single().value)
        assertEquals("meld-2001", meld.source.id)
        assertEquals(listOf("6.2", "1.4", "1"), meld.inputs.map(LabeledValue::shown))
        assertTrue(meld.localPolicy.isNotEmpty())
        assertFalse(meld.toString().contains("106"))
    }

    @Test
    fun `what is missing is named by its label`() {
        val error =
            assertThrows(CalculatorException.Missing::class.java) {
                calculate("meld", labs.take(2))
            }
        assertEquals(listOf("creatinine_mg_dl"), error.inputs)
        assertTrue(calculatorErrorWording(error, "meld").what.contains("Creatinine"))
    }
}
