import Seldinger
import Testing

private let labs = [
  TypedField(path: "bilirubin_mg_dl", texts: ["106 µmol/L"]),
  TypedField(path: "inr", texts: ["1.4"]),
  TypedField(path: "creatinine_mg_dl", texts: ["1"]),
]

@Test func everyCalculatorHasAFormThatIsDrawnFromItsDefinition() throws {
  let all = calculators()
  #expect(Set(all.map(\.id)).isSuperset(of: ["meld3", "sir2019", "dap_convert"]))
  for one in all {
    let fields = try calculatorForm(calculator: one.id, typed: []).sections.flatMap(\.fields)
    #expect(fields.map(\.path) == one.inputs.map(\.name))
  }
  let filled = try calculatorForm(calculator: "meld", typed: labs).sections.flatMap(\.fields)
  #expect(filled.first?.values == ["106 µmol/L"])
}

@Test func aResultCarriesSourceInputsAndWhoseWordCounts() throws {
  let meld = try calculate(calculator: "meld", typed: labs)
  #expect(meld.values.map(\.value) == [.number(number: 17)])
  #expect(meld.source.id == "meld-2001")
  #expect(meld.inputs.map(\.shown) == ["6.2", "1.4", "1"])
  #expect(!meld.localPolicy.isEmpty)
  #expect(!"\(meld)".contains("106"))
}

@Test func whatIsMissingIsNamedByItsLabel() throws {
  let missing = CalculatorError.Missing(inputs: ["creatinine_mg_dl"])
  #expect(throws: missing) { try calculate(calculator: "meld", typed: Array(labs.prefix(2))) }
  #expect(calculatorErrorWording(error: missing, calculator: "meld").what.contains("Creatinine"))
}
