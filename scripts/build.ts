/** Builds the package: `dist`, and the list of entry points in package.json. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildCli } from './build-cli.js'
import { buildLibrary } from './build-library.js'
import { buildManifest } from './build-manifest.js'
import { buildTypes } from './build-types.js'
import { root } from './entries.js'

const folder = join(root, 'dist')
rmSync(folder, { recursive: true, force: true })
await Promise.all([buildLibrary(folder), buildCli(folder)])
buildTypes(folder)
buildManifest()
