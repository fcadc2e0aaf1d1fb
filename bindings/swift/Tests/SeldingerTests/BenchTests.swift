import Foundation
import Seldinger
import Testing

private let isMeasuring = ProcessInfo.processInfo.environment["BENCH"] == "1"

/// Measures the calls that a screen waits for, as medians; see tests/bench/README.md.
@Test(.enabled(if: isMeasuring)) func bench() throws {
  let test = try TestBook()
  var book = try test.create()
  let jots = try lines(stage.appendingPathComponent("jots.txt"))
  // Warm, so that only calls are measured.
  for number in 0..<200 { try book.jot(jots[number % jots.count]) }
  try measure("save", 1_000) { try book.jot(jots[$0 % jots.count]) }
  let words = ["picc", "okafor", "fluoro", "ultrasound gu", "no comp"]
  try measure("search", 500) {
    _ = try book.search(typed: words[$0 % words.count], kind: "case", before: nil)
  }
  try measure("first_page", 500) { _ in _ = try book.newest() }
  try measure("open", 50) { _ in book = try test.open() }
}

private func measure(_ name: String, _ times: Int, _ call: (Int) throws -> Void) throws {
  let clock = ContinuousClock()
  let micros = try (0..<times).map { number in
    let time = try clock.measure { try call(number) }
    return Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6
  }
  let median = micros.sorted()[times / 2]
  print("BENCH swift_\(name) \(String(format: "%.1f", median))")
}
