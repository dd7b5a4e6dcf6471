/** `pg-redshift-iam/emulator` for programs of the documentation: on the server that the run shares, so that they start sooner. */
export { startEmulator as startRedshiftEmulator } from './emulator.js'
