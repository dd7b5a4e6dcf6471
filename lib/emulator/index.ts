export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from '../store/store.js'
export { checkStore } from './check-store.js'
export { startRedshiftEmulator } from './emulator.js'
export type {
  ActiveFault,
  EmulatedCall,
  EmulatedLogin,
  EmulatedOperation,
  EmulatorOptions,
  EmulatorPoolConfig,
  EmulatorStream,
  Fault,
  FaultScope,
  RedshiftEmulator,
} from './types.js'
