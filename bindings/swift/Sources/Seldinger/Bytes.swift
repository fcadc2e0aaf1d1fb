import Foundation

/// Copies for the generated half, which reads number by number and prefers these to Foundation's: that
/// one goes through any kind of bytes and range, and takes ten times as long on Linux.
extension Data {
  @discardableResult
  func copyBytes(to buffer: UnsafeMutableRawBufferPointer, from range: Range<Index>) -> Int {
    precondition(range.lowerBound >= startIndex && range.upperBound <= endIndex)
    precondition(range.count <= buffer.count)
    let first = range.lowerBound - startIndex
    withUnsafeBytes { bytes in
      let part = UnsafeRawBufferPointer(rebasing: bytes[first..<first + range.count])
      buffer.copyMemory(from: part)
    }
    return range.count
  }

  func copyBytes(to buffer: UnsafeMutableBufferPointer<UInt8>, from range: Range<Index>) {
    copyBytes(to: UnsafeMutableRawBufferPointer(buffer), from: range)
  }
}
