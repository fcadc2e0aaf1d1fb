import Seldinger
import Testing

private func lesson(_ text: String) -> [TypedField] {
  [TypedField(path: "lesson", texts: [text])]
}

@Test func aFormIsOpenedLookedOverAndSaved() throws {
  let test = try TestBook()
  let book = try test.create()
  let typed = [
    TypedField(path: "procedure", texts: ["picc"]),
    TypedField(path: "fluoro_min", texts: ["9999"]),
  ]
  let open = try book.openForm(id: "case", record: nil)
  let warned = try book.lookOver(form: open, typed: typed).view.sections.flatMap(\.fields)
  #expect(warned.flatMap(\.warnings).map(\.problem) == [.aboveRange])
  let saved = try book.saveForm(form: open, typed: typed)
  #expect(saved.warnings.map(\.path) == ["fluoro_min"])
  #expect(try book.case(id: saved.id).row.procedure == "picc")
  let again = try book.openForm(id: "case", record: saved.id)
  #expect(try book.saveForm(form: again, typed: typed).change == nil)
}

@Test func aStaleFormOverwritesNothing() throws {
  let test = try TestBook()
  let book = try test.create()
  let id = try book.jot("picc").id
  let old = try book.openForm(id: "case", record: id)
  _ = try book.saveForm(form: book.openForm(id: "case", record: id), typed: lesson("first"))
  let stale = try book.saveForm(form: old, typed: lesson("second")).stale
  #expect(stale.map(\.path) == ["lesson"])
  #expect(try book.openForm(id: "case", record: id).texts("lesson") == ["first"])
  let also = try #require(book.alsoWritten(id: id).first)
  #expect([also.text, also.shown, also.by.place] == ["second", "first", "here"])
  #expect(also.pieces.map(\.text) == ["first", "second"])
  #expect(throws: LogbookError.ChoiceChanged) {
    try book.settle(id: id, path: "lesson", keep: .shown, seen: "something else")
  }
  let both = try #require(also.both)
  _ = try book.settle(id: id, path: "lesson", keep: .both(text: both), seen: also.seen)
  #expect(try book.openForm(id: "case", record: id).texts("lesson") == ["first\nsecond"])
  #expect(try book.alsoWritten(id: id).isEmpty)
}

@Test func aDraftSurvivesReopeningAndEndsWithSaving() throws {
  let test = try TestBook()
  var book = try test.create()
  let id = try book.jot("picc").id
  let draft = try book.beginDraft(form: "case", record: id)
  _ = try book.keepDraft(id: draft.id, typed: lesson("half a sent"))
  book = try test.open()
  let kept = try #require(try book.drafts().first)
  #expect(try book.draftOf(form: "case", record: id)?.id == kept.id)
  let form = try book.openDraft(id: kept.id)
  #expect(form.texts("lesson") == ["half a sent"])
  _ = try book.saveForm(form: form, typed: book.draft(id: kept.id).typed)
  #expect(try book.drafts().isEmpty)
  #expect(try book.openForm(id: "case", record: id).texts("lesson") == ["half a sent"])
  #expect(throws: LogbookError.NoDraft) { try book.keepDraft(id: draft.id, typed: []) }
}

@Test func historyTellsWhatAFieldHeld() throws {
  let test = try TestBook()
  let book = try test.create()
  let id = try book.jot("picc").id
  for text in ["first", "second"] {
    _ = try book.saveForm(form: book.openForm(id: "case", record: id), typed: lesson(text))
  }
  let versions = try book.history(id: id, path: "lesson").compactMap(\.valueJson)
  #expect(versions == ["\"second\"", "\"first\""])
}

@Test func aDebriefHasItsTwoMinutes() throws {
  let test = try TestBook()
  let book = try test.create()
  let draft = try book.beginDebrief(id: book.jot("picc").id)
  let timer = try book.debriefTimer(draft: draft.id)
  #expect(timer.phase == .writing)
  #expect((1...120).contains(timer.leftS))
  try book.dropDraft(id: draft.id)
  #expect(try book.drafts().isEmpty)
}

@Test func aDraftOfALineIsDroppedWhenTheLineIsSaved() throws {
  let test = try TestBook()
  let book = try test.create()
  let draft = try book.beginDraft(form: "jot", record: nil)
  _ = try book.keepDraft(id: draft.id, typed: [TypedField(path: "jot", texts: ["pic"])])
  let performed = Moment(utc: 1_791_000_000_000, offsetMin: -300)
  _ = try book.saveJot(
    text: "picc", options: JotOptions(performed: performed, draft: draft.id))
  #expect(try book.drafts().isEmpty)
  #expect(try book.newest().rows.map(\.performed) == [performed])
}

@Test func aTypedTimeHasTheOffsetOfItsOwnDayAndNamesAreToldThatNobodyHas() throws {
  let test = try TestBook()
  let book = try test.create()
  #expect(book.setZone(name: "America/New_York"))
  let typed = JotOptions(performedTyped: "2026-07-04 8:00 am")
  #expect(try book.saveJot(text: "picc", options: typed).warnings.isEmpty)
  #expect(try book.newest().rows.map(\.performed.offsetMin) == [-240])
  #expect(book.readTime(typed: "2026-03-08 02:30")?.warning?.problem == .clockSkipped)
  #expect(!book.setZone(name: "Mars/Olympus"))
  let nobodys = CaseFilter(procedures: ["PICC"], attending: "Nobody")
  let list = try book.caseList(filter: nobodys, sort: .newest, after: nil)
  #expect(list.count == 0 && list.page.days.isEmpty)
  let told = list.told
  #expect(told.count == 1 && told[0].line.contains("Nobody"))
}
