import Foundation
import Seldinger
import Testing

private let isMeasuring = ProcessInfo.processInfo.environment["BENCH"] == "1"

/// Measures the calls that a screen waits for, as medians; see tests/bench/README.md.
@Test(.enabled(if: isMeasuring)) func bench() throws {
  let test = try TestBook(in: memory ?? FileManager.default.temporaryDirectory)
  let book = try test.create()
  let jots = try lines(stage.appendingPathComponent("jots.txt"))
  let line = { (n: Int) in jots[n % jots.count] }
  for n in 0..<1_200 {
    _ = try book.saveJot(text: line(n), options: performed(n))
  }
  try measure("nothing", 5_000) { _ in _ = book.codeGroups() }
  try measure("read_jot", 5_000) { _ = try book.readJot(text: line($0)) }
  try measure("first_page", 1_000) { _ in _ = try book.newest() }
  let words = ["drain", "okafor", "fluoro", "us r", "lindqvist"]
  try measure("search", 1_000) {
    _ = try book.search(typed: words[$0 % words.count], kind: "case", before: nil)
  }
  try measure("save", 1_000) { try book.jot(line($0)) }
  try measure("open", 100) { _ in _ = try test.open() }
}

/// A disk that takes no time, where there is one.
private let memory: URL? = {
  let folder = URL(fileURLWithPath: "/dev/shm")
  return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

/// Five cases a day from 2025-01-01 on.
private func performed(_ n: Int) -> JotOptions {
  JotOptions(performed: Moment(utc: 1_735_689_600_000 + Int64(n) * 17_280_000, offsetMin: 0))
}

/// The lowest median of five rounds: the one that was disturbed least.
private func measure(_ name: String, _ times: Int, _ call: (Int) throws -> Void) throws {
  let least = try (0..<5).map { _ in try median(times, call) }.min() ?? 0
  print("BENCH swift_\(name) \(String(format: "%.2f", least))")
}

private func median(_ times: Int, _ call: (Int) throws -> Void) throws -> Double {
  let clock = ContinuousClock()
  let micros = try (0..<times).map { number in
    let time = try clock.measure { try call(number) }
    return Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6
  }
  return micros.sorted()[times / 2]
}
