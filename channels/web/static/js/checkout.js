/* The till of one order or top-up. */
import { setUpTill } from "./till.js";

setUpTill();
