import Seldinger
import Testing

extension ChangedRun {
  fileprivate func item(_ id: String) -> RunItem? { run.items.first { $0.id == id } }
}

@Test func listsAndStagesComeFromTheCore() {
  #expect(checklists().map(\.id) == ["before", "during", "after", "daily"])
  #expect(checklists().flatMap(\.items).count == 26)
  #expect(procedureStages().count == 6)
  #expect(procedureStages().contains { $0.questions == .silence })
}

@Test func aRunIsTickedSkippedStampedAndSurvivesTheEndOfTheApp() throws {
  let test = try TestBook()
  var book = try test.create()
  let made = try book.jot("nephrostomy, Okafor, scrubbed").id
  let begun = try book.beginRun(checklist: "during", procedure: nil, ofCase: made)
  let id = begun.run.row.id
  #expect(begun.run.row.procedure == "nephrostomy")
  let ticked = try book.tickItems(id: id, items: ["S-62", "S-63"])
  #expect(ticked.item("S-62")?.state == .ticked)
  #expect(try book.tickItems(id: id, items: ["S-62"]).change == nil)
  let skipped = try book.skipItem(id: id, item: "S-63", reason: "Not scrubbed")
  #expect(skipped.item("S-63")?.state == .skipped)
  #expect(skipped.item("S-63")?.reason == "Not scrubbed")
  _ = try book.unskipItem(id: id, item: "S-63")
  let timeout = try book.stampStage(id: id, stage: "timeout", at: "12:40").run
  #expect(timeout.stages.filter { $0.state == .here }.map(\.time) == ["12:40"])
  #expect(timeout.questions?.timing == .silence)
  #expect(try book.sayCalm(id: id).run.questions?.timing == .pause)
  #expect(try book.sayTense(id: id).run.questions?.timing == .silence)

  book = try test.open()
  let row = try #require(try book.checklistRuns(after: nil).open.first)
  #expect(row.id == id && row.ticked == 1)
  let change = try #require(try book.untickItem(id: id, item: "S-62").change)
  _ = try book.undo(change: change)
  #expect(try book.checklistRun(id: id).next?.id == "access")
  #expect(try book.unstampStage(id: id, stage: "timeout").run.here == nil)
  #expect(try !book.finishRun(id: id).run.finished.isEmpty)
  #expect(try book.checklistRuns(after: nil).open.isEmpty)
  #expect(try book.reopenRun(id: id).run.finished.isEmpty)
}

@Test func aCaseShowsItsStagesAndRuns() throws {
  let test = try TestBook()
  let book = try test.create()
  let made = try book.jot("picc").id
  let begun = try book.beginRun(checklist: "during", procedure: "PICC placement", ofCase: nil)
  let run = begun.run.row.id
  #expect(try book.casesForRun(id: run).map(\.id) == [made])
  _ = try book.linkRun(id: run, ofCase: made)
  _ = try book.stampStage(id: run, stage: "access", at: nil)
  _ = try book.writeStages(id: made, typed: [TypedField(path: "consent", texts: ["12:05"])])
  let timeline = try book.caseTimeline(id: made)
  #expect(timeline.runs.map(\.id) == [run])
  #expect(timeline.stages.filter { $0.at != nil }.map(\.id) == ["consent", "access"])
  #expect(throws: LogbookError.NotFound(id: made)) { try book.checklistRun(id: made) }
  #expect(throws: LogbookError.UnknownDefinition) {
    try book.beginRun(checklist: "between", procedure: nil, ofCase: nil)
  }
}

@Test func theRunsOfTheSampleRotationOpen() async throws {
  let test = try TestBook()
  let book = try test.create()
  _ = try await book.importFile(path: rotation.path, options: ImportOptions()).finish()
  let rows = try book.checklistRuns(after: nil).days.flatMap(\.rows)
  #expect(rows.count == 6)
  let during = try #require(rows.first { $0.checklist == "during" })
  let last = try #require(try book.checklistRun(id: during.id).stages.last)
  #expect(last.id == "hemostasis" && last.time == "13:18")
}
