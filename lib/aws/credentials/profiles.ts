import { loadSharedFiles } from '../sdk.js'
import type { Profiles } from './sources.js'

/** The profiles of the shared AWS files, as the SDK has them in memory. None where they cannot be read: the SDK reports that. */
export async function readProfiles(): Promise<Profiles> {
  try {
    const { parseKnownFiles } = await loadSharedFiles()
    return await parseKnownFiles({})
  } catch {
    return {}
  }
}

/** Makes the SDK read the shared AWS files again. It keeps their content for good otherwise, while other programs rewrite them. */
export async function rereadProfiles(): Promise<void> {
  try {
    const { loadSharedConfigFiles } = await loadSharedFiles()
    await loadSharedConfigFiles({ ignoreCache: true })
  } catch {}
}
