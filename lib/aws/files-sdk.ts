// Only what is used, by name: bundlers leave the rest of the SDK out.
export { loadSharedConfigFiles, parseKnownFiles } from '@smithy/core/config'
