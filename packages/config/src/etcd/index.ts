export { type EtcdStore, type EtcdStoreOptions, etcdStore } from "./store.ts";
