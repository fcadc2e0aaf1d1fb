import Seldinger
import Testing

/// Nothing that a user wrote is printed by what holds it.
@Test func typesThatHoldNotesPrintTheirName() throws {
  let canary = "quetzalcanary"
  let test = try TestBook()
  let book = try test.create()
  let reading = try book.readJot(text: "picc, \(canary)")
  let saved = try book.jot(reading.text)
  let typed = [TypedField(path: "lesson", texts: [canary])]
  let draft = try book.keepDraft(
    id: book.beginDraft(form: "case", record: saved.id).id, typed: typed)
  let form = try book.openDraft(id: draft.id)
  _ = try book.saveForm(form: form, typed: typed)
  let found = try book.search(typed: canary, kind: nil, before: nil)
  let holders: [Any] = [
    saved, reading, reading.values, draft, form, form.view, typed,
    found, found.hits, found.hits[0].pieces, try book.case(id: saved.id), try book.newest(),
    try book.newest().days, try book.newest().rows,
    try book.history(id: saved.id, path: "lesson"), try book.drafts(),
  ]
  for holder in holders {
    var dumped = ""
    dump(holder, to: &dumped)
    for printed in [String(describing: holder), String(reflecting: holder), dumped] {
      #expect(!printed.contains(canary), "\(type(of: holder))")
    }
  }
  #expect(try book.case(id: saved.id).fieldsJson.contains(canary))
  #expect(String(describing: try book.newest().rows[0]) == "CaseRow")
}

@Test func anIdPrintsItself() {
  #expect("\(RecordId("P1"))" == "P1")
}
