import { loadSharedFiles } from '../load-sdk.js'
import type { Profiles } from './sources.js'

/** Reads the profiles of the shared AWS files through the SDK's cache. Undefined if the SDK's reader is missing, as in a bundle. */
export async function readProfiles(): Promise<Profiles | undefined> {
  try {
    const { parseKnownFiles } = await loadSharedFiles()
    return await parseKnownFiles({})
  } catch {
    return undefined
  }
}

/** Makes the SDK read the shared AWS files again. Otherwise it caches them forever, while other programs change them. */
export async function rereadProfiles(): Promise<void> {
  try {
    const { loadSharedConfigFiles } = await loadSharedFiles()
    await loadSharedConfigFiles({ ignoreCache: true })
  } catch {
    // The next call uses what the SDK has cached.
  }
}

/** Whether a profile is in neither file. `default` need not be. */
export async function isProfileMissing(name: string | undefined): Promise<boolean> {
  if (!name || name === 'default') return false
  const profiles = await readProfiles()
  return profiles !== undefined && !Object.hasOwn(profiles, name)
}
