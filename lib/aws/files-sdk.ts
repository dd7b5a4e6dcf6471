// Named exports of what we use, so that bundlers leave out the rest of the SDK.
export { loadSharedConfigFiles, parseKnownFiles } from '@smithy/core/config'
