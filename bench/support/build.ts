import { buildLibrary } from '../../scripts/build-library.js'

/** Inside the project, so that the built package finds its dependencies. */
export const BUILD = '.cache/bench/dist'

type Package = typeof import('../../lib/index.js')

let built: Promise<Package> | undefined

/** The built package, because sources compiled by tsx are slower. */
export function builtPackage(): Promise<Package> {
  built ??= build()
  return built
}

async function build(): Promise<Package> {
  await buildLibrary(BUILD)
  return (await import(new URL(`../../${BUILD}/import/index.mjs`, import.meta.url).href)) as Package
}
