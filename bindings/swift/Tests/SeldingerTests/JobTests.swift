import Foundation
import Seldinger
import Testing

@Test func anImportStepsToItsEndAndTheSecondAddsNothing() async throws {
  let test = try TestBook()
  let book = try test.create()
  var seen: [JobProgress] = []
  let once = try book.importFile(path: rotation.path, options: ImportOptions())
  let report = try await once.finish { seen.append($0) }
  let count = UInt64(try lines(rotation).count)
  #expect(report.added == count)
  #expect(seen.count > 1 && seen.last?.finished == true)
  #expect(seen.map(\.done) == seen.map(\.done).sorted())
  let again = try await book.importFile(path: rotation.path, options: ImportOptions()).finish()
  #expect(again.added == 0 && again.known == count)
}

@Test func anExportIsWholeAndATableToo() async throws {
  let test = try TestBook()
  let book = try test.create()
  _ = try await book.importFile(path: rotation.path, options: ImportOptions()).finish()
  let out = test.path("out.jsonl")
  let all = ExportOptions()
  let report = try await book.exportFile(path: out, format: .jsonl, options: all).finish()
  #expect(try lines(URL(fileURLWithPath: out)).count == Int(report.records))
  let table = test.path("out.csv")
  #expect(try await book.exportFile(path: table, format: .csv, options: all).finish().records == 46)
  #expect(try lines(URL(fileURLWithPath: table))[0].contains("fluoro_min"))
  #expect(throws: LogbookError.FileExists) {
    try book.exportFile(path: table, format: .jsonl, options: all)
  }
  #expect(try lines(URL(fileURLWithPath: table))[0].contains("fluoro_min"))
  #expect(try await book.findIdentifiers(kind: "case").finish().records == 46)
}

@Test func aCancelledJobDoesNoMoreAndLeavesNothing() async throws {
  let test = try TestBook()
  let book = try test.create()
  try book.jot("picc")
  let job = try book.exportFile(path: test.path("out.jsonl"), format: .jsonl, options: ExportOptions())
  await Task.detached { job.cancel() }.value
  #expect(throws: LogbookError.Cancelled) { try job.step() }
  #expect(job.take() == nil)
  #expect(try test.names() == ["book"])
}

@Test func cancellingTheTaskStopsTheJob() async throws {
  let test = try TestBook()
  let book = try test.create()
  for _ in 0..<450 { try book.jot("para") }
  let out = test.path("out.jsonl")
  let task = Task {
    try await book.exportFile(path: out, format: .jsonl, options: ExportOptions()).finish { _ in
      withUnsafeCurrentTask { $0?.cancel() }
    }
  }
  await #expect(throws: CancellationError.self) { try await task.value }
  #expect(try test.names() == ["book"])
}

@Test func aBadLineIsNamedOrLeftOut() async throws {
  let test = try TestBook()
  let book = try test.create()
  let file = test.path("bad.jsonl")
  let text = try lines(rotation)[0] + "\n{\"kind\": \"case\"}\n"
  try text.write(toFile: file, atomically: true, encoding: .utf8)
  await #expect(throws: LogbookError.BadLine(line: 2, reason: .at)) {
    try await book.importFile(path: file, options: ImportOptions()).finish()
  }
  #expect(try book.search(typed: "orientation", kind: nil, before: nil).hits.isEmpty)
  let report = try await book.importFile(path: file, options: ImportOptions(skipBad: true)).finish()
  #expect(report.badLines == [BadLineAt(line: 2, reason: .at)])
  #expect(report.badLines[0].wording.line.contains("2"))
  #expect(report.added == 1)
}
