//! A clean-up that keeps what AWS Config has delivered.

use sandbox::protocol::Operation;
use serde_json::json;
use trials::Census;
use trials::trial::in_lab;
use trials::world::quick;

#[test]
fn history_is_kept_until_it_is_not_wanted_any_more() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let deployed = lab.ok(&["deploy"]).await;
        let bucket = deployed.document["delivery_bucket"]
            .as_str()
            .unwrap()
            .to_owned();
        let objects = async || {
            let list = Operation::new("ListObjectsV2", json!({ "Bucket": bucket }));
            world.text(&list).await
        };
        let delivered = objects().await.unwrap();
        assert!(delivered.contains("<Key>"), "{delivered}");
        let removed = lab.ok(&["cleanup", "--keep-history"]).await;
        assert_eq!(
            removed.document["kept"],
            json!([format!("bucket `{bucket}`")])
        );
        assert_eq!(removed.document["leftovers"], json!([]));
        assert_eq!(
            objects().await.unwrap().matches("<Key>").count(),
            delivered.matches("<Key>").count()
        );
        // It is no forgotten lab.
        let forgotten = lab
            .ok(&["cleanup", "--older-than", "0s", "--all", "--plan"])
            .await;
        assert_eq!(forgotten.document["labs"], json!([]), "{}", forgotten.text);
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(
            removed.document["removed"],
            json!([format!("bucket `{bucket}`")])
        );
        assert_eq!(objects().await, Err("NoSuchBucket".to_owned()));
        assert_eq!(before.since(world).await, "");
    });
}
