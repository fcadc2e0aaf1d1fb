// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "Seldinger",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [.library(name: "Seldinger", targets: ["Seldinger"])],
  targets: [
    // The generated header and module map; whoever links gives the folder of the built library.
    .systemLibrary(name: "SeldingerFFI", path: "Sources/Generated/SeldingerFFI"),
    // The generated half and the hand-written one are one module: ids are typed by the latter.
    .target(
      name: "Seldinger",
      dependencies: ["SeldingerFFI"],
      path: "Sources",
      exclude: ["Generated/SeldingerFFI"],
      sources: ["Generated/Seldinger", "Seldinger"],
      linkerSettings: [.linkedLibrary("seldinger")]
    ),
    .testTarget(name: "SeldingerTests", dependencies: ["Seldinger"]),
    // A process for the system tests; no product offers it.
    .executableTarget(name: "Phone", dependencies: ["Seldinger"], path: "Tests/Phone"),
  ],
  swiftLanguageModes: [.v6]
)
