import Foundation
import Seldinger
import Testing

private func typed(_ path: String, _ text: String) -> TypedField {
  TypedField(path: path, texts: [text])
}

private let filled = [
  typed("age_band", "60s"),
  typed("sex", "M"),
  typed("requesting_service", "nephrology"),
  typed("question", "Tunneled HD line today, K 6.4"),
  typed("procedure", "dialysis-catheter"),
  typed("labs.inr", "2.9"),
]

@Test func aConsultIsFilledPresentedAndBecomesACase() throws {
  let test = try TestBook()
  let book = try test.create()
  let open = try book.openForm(id: "consult-vascular_access", record: nil)
  let view = try book.lookOverConsult(form: open, typed: filled)
  #expect(view.labs.flags.first { $0.path == "labs.inr" }?.standing == .borderline)
  let said = view.presentation
  #expect(said.parts.first?.text == "A man in his 60s.")
  #expect(said.text.contains("Nephrology asks for a tunneled dialysis line today"))
  #expect(said.parts.flatMap(\.pieces).filter { $0.flag != nil }.map(\.text) == ["INR 2.9"])
  #expect(said.missing.contains("Access") && said.speakingTimeS > 0)

  let id = try book.saveForm(form: open, typed: filled).id
  #expect(try book.consult(id: id) == view)
  #expect(try book.consults(after: nil).rows.map(\.name.id) == [id])
  let form = try book.beginCaseFromConsult(id: id)
  #expect(form.texts("procedure") == ["dialysis-catheter"])
  let draft = try book.draft(id: #require(form.draft))
  let saved = try book.saveForm(form: form, typed: draft.typed).id
  #expect(try book.casesOfConsult(id: id).map(\.id) == [saved])
  #expect(try book.consultOfCase(id: saved)?.id == id)
  _ = try book.linkCase(caseId: saved, consult: nil)
  #expect(try book.consultOfCase(id: saved) == nil)
}

@Test func aFormRendersFromItsDefinitionAloneTheUsersOwnToo() throws {
  let test = try TestBook()
  let book = try test.create()
  #expect(try book.consultTemplates().count == 5)
  let own = try book.copyTemplate(form: "consult-paracentesis").id
  _ = try book.changeTemplate(id: own, change: .rename(title: "Night tap"))
  _ = try book.changeTemplate(id: own, change: .add(label: "Depth", kind: .number, unit: "cm"))
  let template = try #require(try book.consultTemplates().last)
  #expect(template.own == own)
  let form = try book.openForm(id: template.form, record: nil)
  #expect(form.view.title == "Night tap")
  let fields = form.view.sections.flatMap(\.fields)
  #expect(fields.allSatisfy { !$0.label.isEmpty })
  #expect(fields.first { $0.path == "own.depth" }?.unit == "cm")
  let id = try book.saveForm(form: form, typed: [typed("own.depth", "2")]).id
  #expect(try book.recordSheet(id: id).form == template.form)

  let broken = try book.saveTemplate(id: own, definition: "id = 7")
  #expect(try #require(broken.problem).what.contains("line 1"))
  #expect(
    try book.openForm(id: template.form, record: nil).view.title == "Consult: paracentesis")
  let other = try book.switchConsult(
    form: form, typed: [typed("question", "Drain?")], to: "consult-drain")
  #expect(other.texts("question") == ["Drain?"])
}

@Test func wordingOfOnesOwnIsUsedOrToldWhatIsWrongWithIt() throws {
  let test = try TestBook()
  let book = try test.create()
  let shipped = try book.presentationWording()
  #expect(shipped.own == nil)
  let form = try book.openForm(id: "consult-general", record: nil)
  let id = try book.saveForm(form: form, typed: [typed("sex", "F")]).id
  let mine = shipped.text.replacingOccurrences(of: "\"A woman\"", with: "\"A lady\"")
  #expect(try book.savePresentationWording(definition: mine).problem == nil)
  #expect(try book.consult(id: id).presentation.text == "A lady.")
  #expect(try book.savePresentationWording(definition: "title = 'x'").problem != nil)
  #expect(try book.consult(id: id).presentation.text == "A woman.")
  #expect(!"\(try book.consult(id: id))".contains("woman"))
}
