//! Nothing goes wrong: what every other trial is measured against.

use trials::expected::{flaws_of_healed, flaws_of_ready};
use trials::trial::one;
use trials::{Census, Lab, World, package};

#[test]
fn a_lab_that_meets_no_trouble_comes_heals_and_goes() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let before = Census::of(&world).await;
        let lab = Lab::new(&world, &package);
        lab.ok(&["deploy"]).await;
        assert_eq!(flaws_of_ready(&world).await, Vec::<String>::new());
        let again = lab.ok(&["deploy"]).await;
        assert_eq!(again.document["changed"], false, "{}", again.text);
        let incident = lab.ok(&["simulate-incident"]).await;
        assert_eq!(incident.document["healed"], true);
        assert_eq!(flaws_of_healed(&world).await, Vec::<String>::new());
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(removed.document["leftovers"], serde_json::json!([]));
        world.idle().await;
        assert_eq!(before.differences(&Census::of(&world).await), "");
        world.end().await;
    });
}
