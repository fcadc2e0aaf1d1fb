import Seldinger
import Testing

private func typed(_ pairs: KeyValuePairs<String, String>) -> [TypedField] {
  pairs.map { TypedField(path: $0.key, texts: [$0.value]) }
}

@Test func everyProcedureHasAnArticleWithItsHalfMinuteSectionsAndSources() throws {
  for procedure in procedures() {
    let found: Article? = article(kind: .procedure, id: procedure.id)
    let article = try #require(found)
    #expect((3...5).contains(article.brief.count))
    #expect(article.sections.count == 10)
    #expect(article.risk?.class == procedure.bleedingRisk)
    let cited = article.sections.flatMap(\.entries).map { Int($0.source) }
    #expect(cited.allSatisfy { $0 <= article.sources.count })
    #expect(!article.localPolicy.isEmpty)
  }
  #expect(article(kind: .procedure, id: "none") == nil)
  #expect(imagingArticles().count == 10)
}

@Test func aProcedureShowsTheUsersNotesAndCases() throws {
  let test = try TestBook()
  // Its folder is there as long as it is.
  defer { withExtendedLifetime(test) {} }
  let book = try test.create()
  _ = try book.saveJot(text: "para, 4 L, assisted", options: JotOptions())
  let form = try book.openForm(id: "procedure_note", record: nil)
  let note = "color Doppler on, every time"
  _ = try book.saveForm(form: form, typed: typed(["procedure": "paracentesis", "note": note]))
  let page = try book.procedurePage(id: "paracentesis")
  #expect(page.notes.map(\.text) == [note])
  #expect(page.caseCount == 1)
  #expect(page.cases.map(\.procedure) == ["paracentesis"])
  #expect(!"\(page)".contains(note))
  let found = try book.find(typed: "doppler", before: nil)
  #expect(found.articles.contains { $0.id == "paracentesis" })
  #expect(found.records.hits.map(\.kind) == ["procedure_note"])
}

@Test func findingsAndReadsGrowByWeek() throws {
  let test = try TestBook()
  // Its folder is there as long as it is.
  defer { withExtendedLifetime(test) {} }
  let book = try test.create()
  let finding = try book.openForm(id: "imaging_finding", record: nil)
  let written = ["region": "liver", "finding": "replaced right hepatic artery", "read_as": "alone"]
  let fields = written.map { TypedField(path: $0.key, texts: [$0.value]) }
  _ = try book.saveForm(form: finding, typed: fields)
  let read = try book.openForm(id: "daily_read", record: nil)
  _ = try book.saveForm(form: read, typed: typed(["title": "caudate lobe"]))
  #expect(try book.imagingFindings(after: nil).rows.map(\.readAs) == [.alone])
  let weeks = try book.imagingGrowth()
  #expect(weeks.map(\.findings) == [[.alone]])
  #expect(weeks.map(\.reads) == [1])
  #expect(weeks.map(\.newRegions) == [["liver"]])
  let reads = try book.recordsOf(kind: "daily_read", procedure: nil, after: nil)
  #expect(reads.names.map(\.name) == ["caudate lobe"])
}
