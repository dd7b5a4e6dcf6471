import { loadSharedFiles } from '../sdk.js'
import type { Profiles } from './sources.js'

/** The profiles of the shared AWS files, as the SDK has them in memory. Undefined where its reader is missing, as from a bundle. */
export async function readProfiles(): Promise<Profiles | undefined> {
  try {
    const { parseKnownFiles } = await loadSharedFiles()
    return await parseKnownFiles({})
  } catch {
    return undefined
  }
}

/** Makes the SDK read the shared AWS files again. It keeps their content for good otherwise, while other programs rewrite them. */
export async function rereadProfiles(): Promise<void> {
  try {
    const { loadSharedConfigFiles } = await loadSharedFiles()
    await loadSharedConfigFiles({ ignoreCache: true })
  } catch {}
}
